"""The contracts of the report, compiled from the project's sources."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import ape
import solcx
from ethpm_types import ContractType

from ape_v2v.errors import V2VError
from ape_v2v.evm.contracts import Interface
from benchmarks.gas.ganache import EVM_VERSION

if TYPE_CHECKING:
    from ape.managers import ProjectManager

BASELINE = "contracts/benchmarks/PaperMarket.sol"


@dataclass(frozen=True)
class Sources:
    """Both markets as Ape compiles them: the same compiler, the same settings."""

    own: Interface
    paper: Interface
    project: Path
    settings: dict[str, Any]
    """The project's settings of the compiler."""
    manager: ProjectManager
    """All other contracts."""

    @classmethod
    def of(cls, project: ProjectManager | None = None) -> Sources:
        """Compile them.

        Raises:
            V2VError: This is not the project's clone.
        """
        project = project or ape.project
        if not (project.path / BASELINE).is_file():
            raise V2VError(
                f"{BASELINE} is not in {project.path}: the report measures the contracts' sources, "
                "so run it in a clone of the project"
            )
        return cls(
            Interface(project.V2VMarket.contract_type),
            Interface(project.PaperMarket.contract_type),
            Path(project.path),
            project.config.get_config("solidity").model_dump(),
            project,
        )

    def paper_of_2020(self, *, optimize: bool) -> Interface:
        """The paper's market with the instructions of 2020; Truffle did not optimize by default."""
        answer = solcx.compile_standard(
            {
                "language": "Solidity",
                "sources": {BASELINE: {"content": (self.project / BASELINE).read_text("utf-8")}},
                "settings": {
                    "evmVersion": EVM_VERSION,
                    "optimizer": {"enabled": optimize, "runs": 200},
                    "outputSelection": {"*": {"PaperMarket": ["abi", "evm.bytecode.object"]}},
                },
            },
            solc_version=str(self.settings["version"]),
        )
        compiled = answer["contracts"][BASELINE]["PaperMarket"]
        code = compiled["evm"]["bytecode"]["object"]
        return Interface(
            ContractType.model_validate(
                {
                    "contractName": "PaperMarket",
                    "abi": compiled["abi"],
                    "deploymentBytecode": {"bytecode": f"0x{code}"},
                }
            )
        )


def code_size(interface: Interface) -> int:
    """The bytecode of a deployed contract, bytes."""
    bytecode = interface.contract_type.runtime_bytecode
    assert bytecode is not None, "a contract that was compiled"
    assert bytecode.bytecode is not None, "and can be deployed"
    return len(bytecode.bytecode.removeprefix("0x")) // 2
