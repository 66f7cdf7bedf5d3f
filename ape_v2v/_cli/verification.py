"""`ape v2v market verify`: is the market what its sources say, and can everybody see that?"""

from __future__ import annotations

import ape
import click

from ape_v2v import deployment
from ape_v2v._cli.light import light_option, prove
from ape_v2v._cli.shared.commands import reading
from ape_v2v._cli.shared.context import Context, prompts_on_stderr
from ape_v2v._cli.shared.tables import Facts
from ape_v2v.deployment.publishing import EXPLORERS, Verified, publish, require_explorer
from ape_v2v.deployment.verification import Verdict, compile_market
from ape_v2v.deployment.verification import verify as compare
from ape_v2v.errors import V2VError


@reading(name="verify", short_help="Compare the market with its sources, and publish them")
@click.option(
    "--explorer",
    "explorers",
    multiple=True,
    type=click.Choice(EXPLORERS),
    help="Where to publish the sources; may be given twice.  [default: etherscan]",
)
@click.option("--check-only", is_flag=True, help="Publish nothing.")
@light_option
def verify(
    context: Context, explorers: tuple[str, ...], check_only: bool, light: str | None
) -> None:
    """Compare the code of a market with its sources and its record, and publish the sources.

    The comparison is shown before anything is published. It may be repeated: what is published
    already is not published again. On a local network or a fork nothing is published.
    """
    record = _record(context)
    local = context.node.network.is_dev
    wanted = () if check_only or local else explorers or ("etherscan",)
    for explorer in wanted:
        require_explorer(explorer)
    prove(context, light)
    with prompts_on_stderr():  # Ape tells there what it compiles
        verdict = compare(record, compile_market(ape.project, record.contract), context.node)
    context.tell(Facts(_compared(verdict)))
    with prompts_on_stderr():
        publications = [publish(record.address, explorer, record.contract) for explorer in wanted]
    shown = {
        one.explorer: f"{'already there' if one.already else 'published'}: {one.url}"
        for one in publications
    }
    verified = Verified(verdict, publications)
    context.show(verified.as_json(), Facts(shown or {"published": "nothing"}))


def _compared(verdict: Verdict) -> dict[str, str]:
    return {
        "address": verdict.address,
        "code": "what the sources compile to"
        + ("" if verdict.exact else ", in all but the metadata: names or comments differ"),
        "immutables": f"all {len(verdict.immutables)} are those of the record",
    }


def _record(context: Context) -> deployment.DeploymentRecord:
    address = context.market_address
    records = deployment.records(ape.project.path, context.node)
    standing = records.standing(context.node)
    found = [one for one in standing if address in (None, one.address)]
    if not found:
        which = "no market" if address is None else f"no market at {address}"
        raise V2VError(f"{records.path} has {which} that stands on this network")
    return found[-1]
