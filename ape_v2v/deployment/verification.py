"""Whether the code at an address is what the sources compile to.

The sources are compiled anew, and the compiler says where in the code it leaves room for what is
only known when the contract is created, the immutables. Everything around them has to be equal,
and each of them has to be what the deployment's record says. Nobody else is asked.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import ape
from eth_abi.abi import encode
from eth_utils.conversions import to_hex
from eth_utils.crypto import keccak

from ape_v2v.chain import transactions
from ape_v2v.chain.connected import or_connected
from ape_v2v.errors import VerificationError
from ape_v2v.market.interface import access, messages
from ape_v2v.market.interface import contract as artifact
from ape_v2v.market.interface.parameters import Parameters

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from ape.managers.project import ProjectManager

    from ape_v2v.chain.node import Node
    from ape_v2v.deployment.records import DeploymentRecord

_OUTPUT = {
    "*": {
        "*": [
            "evm.bytecode.object",
            "evm.deployedBytecode.object",
            "evm.deployedBytecode.immutableReferences",
        ],
        "": ["ast"],
    }
}
_WORD = 32


@dataclass(frozen=True)
class Compiled:
    """The market, compiled from the sources."""

    creation: bytes
    runtime: bytes
    """With zeros where the immutables go."""
    immutables: dict[str, list[int]]
    """Where each one goes; its name is that of the variable in the sources."""


@dataclass(frozen=True)
class Verdict:
    """What a verification has found."""

    address: str
    exact: bool
    """The metadata are equal too, with the hashes of all sources: comments and file names."""
    immutables: dict[str, str]
    """What the code has in place of each one."""


def compile_market(project: ProjectManager, name: str = artifact.NAME) -> Compiled:
    """Compile a market's sources as Ape's settings say.

    Args:
        project: With the sources.
        name: Which market, as its record has it.

    Raises:
        VerificationError: This is no project with the sources, or they do not compile.
    """
    source = str(artifact.contract_type(name).source_id)
    path = project.path / source
    if not path.is_file():
        raise VerificationError(
            f"{path} is missing: a verification takes the market's sources, so run it in a clone "
            "of ape-v2v"
        )
    found = _compile(project, path)
    output = found["contracts"][source][name]["evm"]
    references = output["deployedBytecode"]["immutableReferences"]
    names = {
        str(node["id"]): node["name"]
        for unit in found["sources"].values()
        for node in _variables(unit["ast"])
    }
    return Compiled(
        creation=bytes.fromhex(output["bytecode"]["object"]),
        runtime=bytes.fromhex(output["deployedBytecode"]["object"]),
        immutables={
            names[identifier]: [place["start"] for place in places]
            for identifier, places in references.items()
        },
    )


def verify(record: DeploymentRecord, compiled: Compiled, node: Node | None = None) -> Verdict:
    """Compare what was deployed with what the sources compile to.

    Args:
        record: What was deployed.
        compiled: What the sources compile to.
        node: Who is asked for the code. None: the node that Ape is connected to now.

    Raises:
        VerificationError: Something differs, and what.
    """
    node = or_connected(node)
    if record.chain_id != node.chain_id:
        raise VerificationError(
            f"the record is of chain {record.chain_id}, and {node.network.name} is connected to "
            f"chain {node.chain_id}"
        )
    code = access.code(node, record.address)
    if not code:
        raise VerificationError(f"there is no code at {record.address}")
    if to_hex(keccak(code)) != record.code_hash:
        raise VerificationError(
            f"the code at {record.address} has the hash {to_hex(keccak(code))}, and the record "
            f"says {record.code_hash}"
        )
    _require_creation(node, record, compiled)
    blank, found = _take_out(code, compiled)
    exact = blank == compiled.runtime
    if not exact and _without_metadata(blank) != _without_metadata(compiled.runtime):
        raise VerificationError(
            f"the code at {record.address} is not what these sources compile to: check out the "
            "version that was deployed, or do not trust this market"
        )
    for name, expected in _expected(record).items():
        if (value := found.pop(name, None)) != expected:
            raise VerificationError(
                f"{name} in the code at {record.address} is "
                f"{'missing' if value is None else to_hex(value)}, and by the record it is "
                f"{to_hex(expected)}"
            )
    if found:
        raise VerificationError(
            f"nothing says what {', '.join(sorted(found))} in the code should be: the sources have "
            "immutables that this verification does not know"
        )
    immutables = {name: str(to_hex(value)) for name, value in _take_out(code, compiled)[1].items()}
    return Verdict(record.address, exact, immutables)


def _compile(project: ProjectManager, path: Path) -> dict[str, Any]:
    import solcx  # noqa: PLC0415 - slow, and only here

    solidity = ape.compilers.get_compiler("solidity")
    assert solidity is not None, "ape-solidity is a dependency of this package"
    inputs: dict[Any, dict[str, Any]] = solidity.get_standard_input_json([path], project=project)
    ((version, standard_json),) = inputs.items()
    standard_json["settings"] |= {"outputSelection": _OUTPUT}
    try:
        return solcx.compile_standard(
            standard_json, solc_version=version.base_version, base_path=project.path
        )
    except solcx.exceptions.SolcError as error:
        raise VerificationError(f"the sources do not compile: {error.message}") from error


def _variables(node: Any) -> Iterator[dict[str, Any]]:
    if isinstance(node, dict):
        if node.get("nodeType") == "VariableDeclaration":
            yield node
        for child in node.values():
            yield from _variables(child)
    elif isinstance(node, list):
        for child in node:
            yield from _variables(child)


def _require_creation(node: Node, record: DeploymentRecord, compiled: Compiled) -> None:
    """The transaction has to be the creation code and the arguments of the record."""
    transaction = transactions.find(node, record.transaction)
    if transaction is None:
        raise VerificationError(
            f"the node does not know {record.transaction}, by which the market was created: ask "
            "another node"
        )
    data = transaction.data
    token = record.paid_in.address
    arguments = encode(
        [
            "address",
            "(" + ",".join(["uint256"] * len(record.parameters)) + ")",
            *([] if token is None else ["address"]),
        ],
        [
            record.organization,
            tuple(record.parameters.values()),
            *([] if token is None else [token]),
        ],
    )
    code = data.removesuffix(arguments)
    if len(code) != len(data) - len(arguments):
        raise VerificationError(
            f"{record.transaction} did not create the market with the organization and the "
            "parameters of the record"
        )
    if _without_metadata(code) != _without_metadata(compiled.creation):
        raise VerificationError(
            f"{record.transaction} did not create what these sources compile to: check out the "
            "version that was deployed, or do not trust this market"
        )


def _take_out(code: bytes, compiled: Compiled) -> tuple[bytes, dict[str, bytes]]:
    """The code with zeros in place of the immutables, and the immutables."""
    blank, found = bytearray(code), {}
    for name, places in compiled.immutables.items():
        values = {code[start : start + _WORD] for start in places}
        if len(values) > 1:
            raise VerificationError(f"the code has several values for {name}")
        (found[name],) = values
        for start in places:
            blank[start : start + _WORD] = bytes(_WORD)
    return bytes(blank), found


def _expected(record: DeploymentRecord) -> dict[str, bytes]:
    """What each immutable is by the record: the parameters, and OpenZeppelin's EIP-712 domain."""
    name, version = messages.DOMAIN_NAME, messages.DOMAIN_VERSION
    separator = messages.domain(record.address, record.chain_id).separator
    parameters = Parameters(**record.parameters).as_dict()
    token = record.paid_in.address
    return {
        **({} if token is None else {"_CURRENCY": _word(int(token, 16))}),
        **{f"_{_screaming(key)}": _word(value) for key, value in parameters.items()},
        "_cachedChainId": _word(record.chain_id),
        "_cachedThis": _word(int(record.address, 16)),
        "_cachedDomainSeparator": bytes(separator),
        "_hashedName": keccak(text=name),
        "_hashedVersion": keccak(text=version),
        "_name": _short_string(name),
        "_version": _short_string(version),
    }


def _screaming(name: str) -> str:
    """A parameter as its immutable is named: `bondBps` is `BOND_BPS`."""
    return "".join(f"_{letter}" if letter.isupper() else letter.upper() for letter in name)


def _word(value: int) -> bytes:
    return value.to_bytes(_WORD, "big")


def _short_string(text: str) -> bytes:
    """OpenZeppelin's ShortString: the text, and its length in the last byte."""
    return text.encode().ljust(_WORD - 1, b"\0") + bytes([len(text)])


def _without_metadata(code: bytes) -> bytes:
    """Code without the CBOR at its end, whose last two bytes are its length."""
    length = int.from_bytes(code[-2:], "big") + 2
    return code[:-length] if length <= len(code) else code
