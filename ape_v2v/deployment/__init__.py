"""Deploying a market: settings from a file per network, a plan, a record, and verification.

Whichever command deploys a market, it is `deploy` that does it.
"""

from ape_v2v.deployment.deploying import deploy, take_up
from ape_v2v.deployment.planning import Plan, plan
from ape_v2v.deployment.records import (
    DeploymentRecord,
    PendingDeployment,
    Records,
    default_market,
    recorded_block,
    records,
)
from ape_v2v.deployment.rehearsal import Rehearsal, rehearse
from ape_v2v.deployment.settings import Settings, settings

__all__ = [
    "DeploymentRecord",
    "PendingDeployment",
    "Plan",
    "Records",
    "Rehearsal",
    "Settings",
    "default_market",
    "deploy",
    "plan",
    "recorded_block",
    "records",
    "rehearse",
    "settings",
    "take_up",
]
