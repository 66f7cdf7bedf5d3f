"""Compare what the functions cost with what is committed, or accept what they cost now.

ape run gas_snapshot --accept
"""

import click

from scripts._clone import of_the_clone

cli: click.Command = of_the_clone("benchmarks.gas.commands").snapshot
