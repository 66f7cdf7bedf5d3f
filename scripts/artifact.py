"""Write the compiled market into the package: run it after every change of the contracts."""

from pathlib import Path

import ape

from ape_v2v.market import contract


def main() -> None:
    project = ape.project
    # Ape compiles a contract again when its own file has changed, not when what it imports has.
    project.load_contracts(use_cache=False)
    path = Path(contract.__file__).parent / "artifacts" / contract.ARTIFACT
    path.parent.mkdir(exist_ok=True)
    path.write_text(contract.distilled(project.V2VMarket.contract_type), "utf-8")
    print(f"{path.relative_to(project.path)}: {path.stat().st_size:,} bytes")
