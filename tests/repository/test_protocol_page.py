"""docs/protocol.md gives the interface of the compiled contract, and examples that are right.

The examples are computed again from the page alone, as the author of another client would.
"""

import json
import re
from typing import Any

import pytest
from eth_abi.abi import encode
from eth_account import Account
from eth_utils.abi import event_abi_to_log_topic, function_abi_to_4byte_selector
from eth_utils.conversions import to_hex
from eth_utils.crypto import keccak
from eth_utils.hexadecimal import decode_hex

from docs._writers import interface
from tests.helpers.documentation import ROOT

PAGE = (ROOT / "docs" / "protocol.md").read_text("utf-8")
ABI = json.loads(interface.ARTIFACT.read_text("utf-8"))["abi"]
DOMAIN = "EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"


def test_the_page_has_the_interface_and_the_examples_of_the_code():
    assert interface.written() == PAGE, "run `ape run artifact`, and commit docs/protocol.md"


# --- The interface


def entries(*kinds):
    return [entry for entry in ABI if entry["type"] in kinds]


@pytest.mark.parametrize("entry", entries("function", "error"), ids=interface.canonical)
def test_every_function_and_error_is_there_with_its_selector(entry):
    as_function: Any = {**entry, "type": "function"}
    selector = to_hex(function_abi_to_4byte_selector(as_function))

    assert f"| `{selector}` | `{interface.canonical(entry)}` |" in PAGE


@pytest.mark.parametrize("entry", entries("event"), ids=interface.canonical)
def test_every_event_is_there_with_its_topic(entry):
    topic = to_hex(event_abi_to_log_topic(entry))

    assert f"| `{entry['name']}` | `{topic}` |" in PAGE


@pytest.mark.parametrize("entry", entries("constructor", "function", "event", "error", "receive"))
def test_every_declaration_names_all_parameters_in_order(entry):
    (line,) = {line for line in PAGE.splitlines() if line == f"{interface.declared(entry)};"}
    names = [value["name"] for value in entry.get("inputs", ())]
    inputs = line.partition("(")[2].partition(")")[0]

    assert [part.split()[-1] for part in inputs.split(", ") if part] == names


def test_every_enum_of_the_interface_is_there_with_its_numbers():
    named = {
        value["internalType"].removeprefix("enum ")
        for entry in ABI
        for value in (*entry.get("inputs", ()), *entry.get("outputs", ()))
        for value in (value, *value.get("components", ()))
        if value["internalType"].startswith("enum ")
    }
    numbered = dict(re.findall(r"^// enum (\w+), a uint8: (.*)$", PAGE, re.MULTILINE))

    assert named <= set(numbered)
    assert numbered["State"] == "None = 0, Open = 1, Connected = 2"


# --- The examples


def example_texts():
    part = PAGE.partition("### Worked examples")[2].partition("<!-- end of examples -->")[0]
    return dict(re.findall(r"^#### (\w+)\n\n```text\n(.*?)^```$", part, re.M | re.S))


def read(text):
    lines = text.replace("type hash ", "typeHash ").replace("struct hash ", "structHash ")
    return dict(line.split(maxsplit=1) for line in lines.splitlines())


def value(kind, text):
    if kind == "bool":
        return text == "true"
    if kind.startswith("bytes"):
        return decode_hex(text)
    return text if kind == "address" else int(text)


def domain_separator():
    ((chain_id, market),) = re.findall(r"chain\s+(\d+) and the market at `(0x\w{40})`", PAGE)
    words = [keccak(text=DOMAIN), keccak(text="V2VMarket"), keccak(text="1")]
    types = ["bytes32", "bytes32", "bytes32", "uint256", "address"]
    return keccak(encode(types, [*words, int(chain_id), market]))


def test_the_domain_separator_follows_from_what_the_page_says():
    assert f"Domain separator:\n\n```text\n{to_hex(domain_separator())}\n```" in PAGE


def test_everything_that_is_signed_has_an_example():
    assert set(example_texts()) == {kind.__name__ for kind in interface.signed_types()}


@pytest.mark.parametrize("name", example_texts())
def test_an_example_follows_from_its_fields(name):
    example = read(example_texts()[name])
    fields = example["type"].removeprefix(f"{name}(").removesuffix(")").split(",")
    kinds, names = zip(*(field.split() for field in fields), strict=True)
    type_hash = keccak(text=example["type"])
    words = [value(kind, example[one]) for kind, one in zip(kinds, names, strict=True)]
    struct_hash = keccak(encode(["bytes32", *kinds], [type_hash, *words]))
    digest = keccak(b"\x19\x01" + domain_separator() + struct_hash)

    assert example["typeHash"] == to_hex(type_hash)
    assert example["structHash"] == to_hex(struct_hash)
    assert example["digest"] == to_hex(digest)


@pytest.mark.parametrize("name", example_texts())
def test_an_example_is_signed_by_whom_the_page_says(name):
    example = read(example_texts()[name])
    (signer,) = re.findall(r"key of the account\s+`(0x\w{40})`", PAGE)
    signature = decode_hex(example["signature"])

    recovered = Account._recover_hash(decode_hex(example["digest"]), signature=signature)

    assert recovered == signer
    assert signature[-1] in (27, 28)
