"""Decoding events: against a general decoder, with any values."""

import pytest
from eth_abi.abi import decode as decode_by_abi
from eth_abi.abi import encode
from eth_utils.crypto import keccak
from hypothesis import given
from hypothesis import strategies as st

from ape_v2v.chain.line.answered import Log
from ape_v2v.errors import V2VError
from ape_v2v.market.interface import contract as artifact
from ape_v2v.market.interface import events

EVENTS = {abi.name: abi for abi in artifact.contract_type().events}
VALUES = {
    "address": st.binary(min_size=20, max_size=20).map(lambda value: f"0x{value.hex()}"),
    "bool": st.booleans(),
    "bytes32": st.binary(min_size=32, max_size=32),
    "string": st.text(max_size=80),
}


def values(type_):
    if type_.startswith("uint"):
        return st.integers(0, 2 ** int(type_.removeprefix("uint")) - 1)
    return VALUES[type_]


def log_of(abi, given):
    """A log that carries these values, as a contract writes it."""
    topics, types, data = [keccak(text=abi.selector)], [], []
    for item, value in zip(abi.inputs, given, strict=True):
        if item.indexed:
            topics.append(encode([item.canonical_type], [value]))
        else:
            types.append(item.canonical_type)
            data.append(value)
    return Log(
        1, 0, b"\x01" * 32, b"\x02" * 32, 1_700_000_000, b"".join(topics), encode(types, data)
    )


@pytest.mark.parametrize("name", EVENTS)
@given(data=st.data())
def test_an_event_is_decoded_as_a_general_decoder_does(name, data):
    abi = EVENTS[name]
    given_values = [data.draw(values(item.canonical_type)) for item in abi.inputs]

    event = events.decoded(log_of(abi, given_values))

    assert event.name == name
    assert list(event.args) == [item.name for item in abi.inputs]
    for item, value in zip(abi.inputs, given_values, strict=True):
        found = event.args[str(item.name)]
        if item.canonical_type == "address":
            assert found.lower() == value
            assert found == events.checksummed(value)
        else:
            assert found == value
            assert type(found) is type(value)
        (again,) = decode_by_abi([item.canonical_type], encode([item.canonical_type], [found]))
        assert again == (value if item.canonical_type != "address" else value.lower())


@pytest.mark.parametrize("name", [name for name, abi in EVENTS.items() if abi.inputs])
def test_a_log_that_is_too_short_is_refused(name):
    abi = EVENTS[name]
    empty = {"address": "0x" + "00" * 20, "bool": False, "bytes32": bytes(32), "string": ""}
    whole = log_of(abi, [empty.get(item.canonical_type, 0) for item in abi.inputs])

    for topics, data in ((whole.topics[:-1], whole.data), (whole.topics, whole.data[:31])):
        if (topics, data) == (whole.topics, whole.data):
            continue
        with pytest.raises(V2VError, match=f"a log is no {name}: it has "):
            events.kind(whole).args(topics, data)


def test_a_text_that_ends_beyond_the_data_is_cut_there():
    abi = EVENTS["EVAdded"]
    log = log_of(abi, ["0x" + "11" * 20, "a text"])
    beyond = log.data[:32] + (2**255).to_bytes(32) + log.data[64:]

    args = events.kind(log).args(log.topics, beyond)

    assert args["infos"].startswith("a text")
