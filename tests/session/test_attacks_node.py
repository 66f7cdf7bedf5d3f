"""Attacks by the RPC node that a provider asks: with a trusted block its lies are found out."""

from dataclasses import replace

import pytest
from eth_abi.abi import encode
from eth_utils.conversions import to_hex
from eth_utils.hexadecimal import decode_hex

from ape_v2v.errors import V2VError
from tests.helpers.lying_node import lying_node
from tests.session.runner import Side, provide

WORDS = {"consumer": 1, "energy": 2, "provider": 7, "rate": 8, "connectedAt": 9}
INFO_BYTES = 12 * 32  # what auctions() answers


def try_to_provide(plan, pipe):
    """The provider's process; says by which error it was kept from serving."""
    try:
        provide(plan, pipe)
    except V2VError as error:
        pipe.send((type(error).__name__, str(error)))


def changed(word, value):
    """A lie about one field of an auction."""

    def lie(result):
        data = bytearray(decode_hex(result))
        if len(data) != INFO_BYTES:
            return result
        data[32 * word : 32 * (word + 1)] = value
        return to_hex(bytes(data))

    return lie


@pytest.fixture
def light(pair, chain):
    """A provider's process that asks a node, and trusts one block."""

    def light(url):
        both = pair()
        plan = replace(both.provider.plan, node=url)
        side = both.provider = Side(try_to_provide, plan)
        side.replace(trusted_block=to_hex(bytes(chain.blocks.head.hash)))
        return both

    return light


LIES = {
    "the rate": (changed(WORDS["rate"], encode(["uint256"], [10**12])), "WrongTerms"),
    "the energy": (changed(WORDS["energy"], encode(["uint256"], [30_000])), "WrongTerms"),
    "the moment of the award": (
        changed(WORDS["connectedAt"], encode(["uint256"], [2**31])),
        "WrongTerms",
    ),
}


@pytest.mark.parametrize(("lie", "expected"), LIES.values(), ids=LIES)
def test_a_lie_about_the_award_is_found_out(light, chain, market, balance, provider, lie, expected):
    before = balance(provider)
    with lying_node(chain.provider.uri) as node:
        both = light(node.url)
        locked = balance(provider)
        node.lies["eth_call"] = lie
        both.provider.start()
        assert both.provider.await_message()[0] == expected
        assert both.provider.await_exit() == 0
    assert both.delivered_wh == 0
    assert both.stores[0].connections.get(both.token) is None
    assert balance(provider) == locked < before  # the bond, as before
    assert market.auctions(both.auction_id).state == 2


def test_an_honest_node_proves_what_it_says(light, chain):
    with lying_node(chain.provider.uri) as node:
        both = light(node.url)
        both.provider.start()
        assert both.provider.await_message() == both.url
        both.provider.kill()
