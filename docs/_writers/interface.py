"""The parts of docs/protocol.md that come from the code: the contract's interface, worked examples.

`ape run artifact` writes them anew after a change of the contracts. A test compares the page with
what is written here, and recomputes the examples from the page alone.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from eip712 import EIP712Message
from eip712.messages import extract_eip712_types
from eth_account import Account
from eth_account.hdaccount import key_from_seed, seed_from_mnemonic
from eth_utils.address import to_checksum_address
from eth_utils.conversions import to_hex
from eth_utils.crypto import keccak

from ape_v2v.market.interface import messages

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "protocol.md"
ARTIFACT = ROOT / "ape_v2v" / "market" / "interface" / "artifacts" / "V2VMarket.json"
TOKEN_ARTIFACT = ARTIFACT.with_name("V2VTokenMarket.json")
SOURCE = ROOT / "contracts" / "IMarket.sol"

Entry = dict[str, Any]


def written() -> str:
    """The page with its written parts as they have to be now."""
    text = PAGE.read_text("utf-8")
    for name, lines in (
        ("interface", interface()),
        ("token ledger", token_ledger()),
        ("examples", examples()),
    ):
        begin, end = f"<!-- {name}: written by `ape run artifact` -->", f"<!-- end of {name} -->"
        before, _, rest = text.partition(begin)
        _, found, after = rest.partition(end)
        if not found:
            raise ValueError(f"{PAGE.name} has no place for its {name}: {begin} … {end}")
        text = "\n".join([f"{before}{begin}", "", *lines, "", f"{end}{after}"])
    return text


# --- The interface


def interface() -> Iterator[str]:
    artifact = json.loads(ARTIFACT.read_text("utf-8"))
    abi: list[Entry] = artifact["abi"]
    kinds = by_kind(abi)
    yield from ("### Structs and numbers", "", "```solidity")
    yield from enums()
    yield from structs(abi)
    yield from ("```", "", "### Every function", "", "```solidity")
    yield from (f"{declared(entry)};" for entry in kinds["constructor"] + kinds["function"])
    yield from (f"{declared(entry)};" for entry in kinds["receive"])
    yield from ("```", "", "| Selector | Function |", "|---|---|")
    yield from (f"| `{selector(entry)}` | `{canonical(entry)}` |" for entry in kinds["function"])
    yield from ("", "### Every event", "", "```solidity")
    yield from (f"{declared(entry)};" for entry in kinds["event"])
    yield from ("```", "", "| Event | First topic |", "|---|---|")
    yield from (f"| `{entry['name']}` | `{topic(entry)}` |" for entry in kinds["event"])
    yield from ("", "### Every error", "", "```solidity")
    yield from (f"{declared(entry)};" for entry in kinds["error"])
    yield "```"
    yield from explained_errors(artifact, kinds["error"])


def token_ledger() -> Iterator[str]:
    """What a market in a token has and one in ether has not; and the other way round."""
    ether, token = (json.loads(one.read_text("utf-8")) for one in (ARTIFACT, TOKEN_ARTIFACT))
    more = by_kind([entry for entry in token["abi"] if entry not in ether["abi"]])
    fewer = [entry for entry in ether["abi"] if entry not in token["abi"]]
    yield "```solidity"
    for kind in ("constructor", "function", "error"):
        yield from (f"{declared(entry)};" for entry in more[kind])
    yield from ("```", "", "| Selector | Function |", "|---|---|")
    yield from (f"| `{selector(entry)}` | `{canonical(entry)}` |" for entry in more["function"])
    yield from explained_errors(token, more["error"])
    gone = sorted(f"`{entry['name']}`" for entry in fewer if entry.get("name"))
    yield from ("", f"Not in these forms of above: {', '.join(gone)}; and no `receive`.")


def by_kind(abi: list[Entry]) -> dict[str, list[Entry]]:
    return {kind: [entry for entry in abi if entry["type"] == kind] for kind in _KINDS}


def explained_errors(artifact: Entry, errors: list[Entry]) -> Iterator[str]:
    yield from ("", "| Selector | Error | Says |", "|---|---|---|")
    said = artifact["userdoc"].get("errors", {})
    for entry in errors:
        notices = [one["notice"] for one in said.get(canonical(entry), []) if "notice" in one]
        text = " ".join(notices).replace("|", "\\|") or "from a library"
        yield f"| `{selector(entry)}` | `{canonical(entry)}` | {text} |"


_KINDS = ("constructor", "function", "receive", "event", "error")


def enums() -> Iterator[str]:
    """The enums with their numbers: in the ABI they are `uint8`."""
    source = re.sub(r"//.*", "", SOURCE.read_text("utf-8"))
    for name, members in re.findall(r"\benum (\w+) \{([^}]*)\}", source):
        names = [member.strip() for member in members.split(",")]
        numbered = ", ".join(f"{member} = {number}" for number, member in enumerate(names))
        yield f"// enum {name}, a uint8: {numbered}"


def structs(abi: list[Entry]) -> Iterator[str]:
    found: dict[str, Entry] = {}
    for entry in abi:
        for value in (*entry.get("inputs", ()), *entry.get("outputs", ())):
            if value["type"].startswith("tuple"):
                found[struct_name(value)] = value
    for name, value in sorted(found.items()):
        fields = " ".join(f"{named(part)};" for part in value["components"])
        yield f"struct {name} {{ {fields} }}"


def struct_name(value: Entry) -> str:
    return str(value["internalType"]).removeprefix("struct ").removesuffix("[]")


def named(value: Entry) -> str:
    """A parameter as it is declared: its type, whether it is indexed, its name."""
    kind = value["type"]
    if kind.startswith("tuple"):
        kind = struct_name(value) + kind.removeprefix("tuple")
    return " ".join(filter(None, (kind, "indexed" if value.get("indexed") else "", value["name"])))


def declared(entry: Entry) -> str:
    inputs = ", ".join(map(named, entry.get("inputs", ())))
    words = [f"{entry['type']} {entry.get('name', '')}".strip() + f"({inputs})"]
    if entry["type"] in ("function", "constructor", "receive"):
        words += [word for word in (entry["stateMutability"],) if word != "nonpayable"]
        if entry["type"] == "receive":
            words.insert(1, "external")
    if outputs := ", ".join(map(named, entry.get("outputs", ()))):
        words.append(f"returns ({outputs})")
    return " ".join(words)


def canonical(entry: Entry) -> str:
    """What is hashed for a selector: the name and the types, structs as their fields."""
    return f"{entry['name']}({','.join(map(canonical_type, entry['inputs']))})"


def canonical_type(value: Entry) -> str:
    kind: str = value["type"]
    if not kind.startswith("tuple"):
        return kind
    parts = ",".join(map(canonical_type, value["components"]))
    return f"({parts}){kind.removeprefix('tuple')}"


def selector(entry: Entry) -> str:
    return to_hex(keccak(text=canonical(entry))[:4])


def topic(entry: Entry) -> str:
    return to_hex(keccak(text=canonical(entry)))


# --- Worked examples of what is signed

PREFIX = b"\x19\x01"
CHAIN_ID = 31337
MARKET = "0x700b6A60ce7EaaEA56F065753d8dcB9653dbAD35"
MNEMONIC = "test test test test test test test test test test test junk"
CONSUMER_PATH, PROVIDER_PATH = "m/44'/60'/0'/0/1", "m/44'/60'/0'/0/2"


def key(path: str) -> bytes:
    return key_from_seed(seed_from_mnemonic(MNEMONIC, ""), path)


def address(path: str) -> str:
    return to_checksum_address(Account.from_key(key(path)).address)


def values() -> dict[str, Any]:
    """A value for every field that anything signed has, by its name."""
    consumer, provider = address(CONSUMER_PATH), address(PROVIDER_PATH)
    token = messages.access_token(consumer, provider, 4_000_000_000, 7_200)
    return {
        "amount": 5_000_000,
        "auctionId": int(consumer, 16) << 32 | 1,
        "challengeEVC": keccak(text="a challenge of the consumer's"),
        "challengeEVP": keccak(text="a challenge of the provider's"),
        "consumer": consumer,
        "deadline": 3_999_999_999,
        "energyWh": 18_400,
        "key": address("m/44'/60'/0'/0/3"),
        "last": False,
        "maxRate": 300 * 10**9,
        "meterDataHash": keccak(text='{"energyWh":19634,"meter":"ACME-EM24-00042"}'),
        "meterId": b"ACME-EM24-00042".ljust(32, b"\0"),
        "meterStartWh": 1_234,
        "nonce": 0,
        "provider": provider,
        "rate": 200 * 10**9,
        "to": address("m/44'/60'/0'/0/4"),
        "token": token,
        "validity": 7_200,
    }


def signed_types() -> list[type[EIP712Message]]:
    """Everything that an EV signs."""
    return [
        kind
        for name, kind in vars(messages).items()
        if isinstance(kind, type)
        and issubclass(kind, EIP712Message)
        and kind is not EIP712Message
        and not name.startswith("_")
    ]


def examples() -> Iterator[str]:
    domain = messages.domain(MARKET, CHAIN_ID)
    some = values()
    separator: bytes | None = None
    for kind in signed_types():
        make: Any = kind  # its domain is a keyword that the class does not declare
        wanted = [name for name in kind.model_fields if not name.startswith("eip712_")]
        message = make(**{name: some[name] for name in wanted}, eip712_domain=domain)
        signable = message.signable_message
        types = extract_eip712_types(message)[kind.__name__]
        fields = ",".join(f"{one['type']} {one['name']}" for one in types)
        type_string = f"{kind.__name__}({fields})"
        if separator is None:
            separator = signable.header
            yield from ("Domain separator:", "", "```text", to_hex(separator), "```", "")
        signed = Account.sign_message(signable, key(CONSUMER_PATH))
        digest = keccak(PREFIX + signable.header + signable.body)
        yield from (f"#### {kind.__name__}", "", "```text")
        yield f"type            {type_string}"
        yield f"type hash       {to_hex(keccak(text=type_string))}"
        yield from (f"{one['name']:<15} {shown(some[one['name']])}" for one in types)
        yield f"struct hash     {to_hex(signable.body)}"
        yield f"digest          {to_hex(digest)}"
        yield f"signature       {to_hex(signed.signature)}"
        yield from ("```", "")


def shown(value: Any) -> str:
    if isinstance(value, bytes):
        return to_hex(value)
    return str(value).lower() if isinstance(value, bool) else str(value)
