"""`ape`, with the explorer of the test in place of the list of chains that ape-etherscan asks for.

The list is at a fixed address on the net. Everything else of the publication is as it is.
"""

import json
import os

import ape_etherscan.client
import ape_etherscan.explorer
from ape._cli import cli

CHAINS = json.loads(os.environ["EXPLORER_CHAINS"])

for module in (ape_etherscan.client, ape_etherscan.explorer):
    module.get_supported_chains = lambda: CHAINS  # type: ignore[attr-defined]

cli(prog_name="ape")
