"""Measure what the market costs, and show it or write the report.

ape run gas_report --write docs

`make report` installs the node with the prices of 2020 first, and runs this.
"""

import click

from scripts._clone import of_the_clone

cli: click.Command = of_the_clone("benchmarks.gas.commands").report
