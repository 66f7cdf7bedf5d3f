"""Write the compiled markets into the package, and what is said of them elsewhere.

That is docs/protocol.md, and what the page for phones calls. Run it after every change
of the contracts.
"""

from importlib import import_module
from pathlib import Path

import ape

from ape_v2v.market.interface import contract


def main() -> None:
    project = ape.project
    # Ape compiles a contract again when its own file has changed, not when what it imports has.
    project.load_contracts(use_cache=False)
    market = Path(contract.__file__).parent
    package = market.parents[1]
    others = [
        ("Stablecoin", package / "testing"),
        ("TestToken", package / "simulation" / "chain"),
    ]
    for name, room in [*((name, market) for name in contract.NAMES), *others]:
        path = room / "artifacts" / f"{name}.json"
        path.parent.mkdir(exist_ok=True)
        path.write_text(contract.distilled(getattr(project, name).contract_type), "utf-8")
        print(f"{path.relative_to(project.path)}: {path.stat().st_size:,} bytes")
    # Loaded when it is needed: Ape imports all scripts for each of them.
    interface = import_module("docs._writers.interface")
    interface.PAGE.write_text(interface.written(), "utf-8")
    print(f"{interface.PAGE.relative_to(project.path)}: the interface and the examples")
    web = import_module("toolchain.web")
    web.INTERFACE.write_text(web.interface(), "utf-8")
    print(f"{web.INTERFACE.relative_to(project.path)}: what the page calls")
