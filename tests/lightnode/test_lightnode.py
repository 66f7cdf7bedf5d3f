"""A light node before an RPC node that lies: what is true is proven, and each lie is found out."""

import copy
from random import Random

import pytest
import rlp
from eth_abi.abi import decode, encode
from eth_utils.conversions import to_hex
from eth_utils.crypto import keccak
from eth_utils.hexadecimal import decode_hex
from hypothesis import given, settings
from hypothesis import strategies as st
from trie import HexaryTrie

from ape_v2v import ConfigurationError
from ape_v2v.chain.networks import connected_node
from ape_v2v.lightnode import Header, prove_connection
from ape_v2v.lightnode import faults as errors
from tests.helpers.documentation import examples
from tests.helpers.lying_node import lying_node
from tests.helpers.scenario import (
    BIDDING_TIME,
    ENERGY,
    LOWER_RATE,
    RATE,
    VALIDITY,
    offered,
)

SLOT = 3


@pytest.fixture
def rpc(chain):
    """A proxy before Anvil, asked through HTTP: honest until a test makes it lie."""
    with lying_node(chain.provider.uri) as proxy:
        yield proxy


@pytest.fixture
def trusted(chain):
    """The hash of the latest block, from somebody who does not lie."""
    return lambda: bytes(chain.blocks.head.hash)


@pytest.fixture
def prove(rpc, market, trusted):
    def prove(auction_id, block=None, **settings):
        return prove_connection(rpc, market.address, auction_id, block or trusted(), **settings)

    return prove


def slots_of(consumer):
    first = int.from_bytes(keccak(encode(["address", "uint256"], [consumer, SLOT])))
    return [to_hex(slot.to_bytes(32, "big")) for slot in (first, first + 1)]


# What is true


def test_what_is_proven_is_what_the_contract_says(prove, market, connection_id, rpc):
    proven = prove(connection_id)
    info = market.auctions(connection_id)
    assert proven.token == market.accessToken(connection_id)
    assert (proven.consumer, proven.provider) == (info.consumer, info.provider)
    assert (proven.energy_wh, proven.rate) == (info.energyWh, info.rate) == (ENERGY, RATE)
    assert (proven.connected_at, proven.validity) == (info.connectedAt, info.validity)
    assert proven.valid_until == info.connectedAt + VALIDITY
    assert "eth_call" not in rpc.asked


@pytest.mark.parametrize("ends", ["low", "high"])
def test_every_field_is_read_to_its_last_bit(
    prove, market, consumer, provider, start_auction, clock, ends
):
    values = {"low": (1, 1, 1), "high": (2**32 - 1, 10**8, 7 * 86_400)}[ends]
    energy, rate, validity = values
    worthwhile = max(rate, 10**14 // energy)
    auction = start_auction(energy, worthwhile, BIDDING_TIME, validity)
    market.placeBid(auction, rate, offered(market, auction), sender=provider)
    clock.next_block_at(market.auctions(auction).closingTime)
    market.endAuction(market.currentAuctionId(consumer), sender=consumer)
    proven = prove(auction)
    assert (proven.energy_wh, proven.rate, proven.validity) == values
    assert proven.token == market.accessToken(auction)


def test_slots_of_any_content_are_read_as_the_contract_reads_them(
    prove, rpc, market, connection_id, consumer
):
    """The whole width of each field, which no auction of real EVs has."""
    random = Random(7)  # what it gives is the same in every run
    for _ in range(20):
        closing_time, since = sorted(random.getrandbits(36) for _ in range(2))
        round_ = connection_id & 0xFFFF_FFFF
        terms = since << 220 | closing_time << 184 | random.getrandbits(152) << 32 | round_
        bid = round_ << 224 | random.getrandbits(224)
        for slot, word in zip(slots_of(consumer.address), (terms, bid), strict=True):
            content = to_hex(word.to_bytes(32, "big"))
            assert rpc.honest("anvil_setStorageAt", market.address, slot, content)
        rpc.honest("evm_mine")
        info, proven = market.auctions(connection_id), prove(connection_id, now=0)
        proven.require(
            token=market.accessToken(connection_id),
            consumer=info.consumer,
            provider=info.provider,
            energy_wh=info.energyWh,
            rate=info.rate,
            connected_at=info.connectedAt,
            validity=info.validity,
        )


def test_an_older_block_proves_what_was_so_then(
    prove, market, connection_id, trusted, consumer, chain
):
    block = trusted()
    market.endConnection(market.currentAuctionId(consumer), sender=consumer)
    chain.mine(3)
    assert prove(connection_id, block).block.hash == block
    with pytest.raises(errors.NotConnected, match="is over in block"):
        prove(connection_id)


def test_a_header_may_be_trusted_instead_of_a_hash(prove, rpc, connection_id):
    header = Header.read(rpc.honest("eth_getBlockByNumber", "latest", False))
    assert prove(connection_id, header).block == header
    assert "eth_getBlockByHash" not in rpc.asked


def test_apes_own_connection_may_be_asked(market, connection_id, trusted):
    proven = prove_connection(connected_node().request, market.address, connection_id, trusted())
    assert proven.token == market.accessToken(connection_id)


def test_the_example_in_the_documentation_works(market, connection_id, trusted, provider, capsys):
    (example,) = examples("docs/light-node.md", "python")
    names = {
        "market": market.address,
        "auction_id": connection_id,
        "trusted_hash": trusted(),
        "token": market.accessToken(connection_id),
    }
    capsys.readouterr()  # what Ape has said of the transactions before
    exec(compile(example, "docs/light-node.md", "exec"), names)
    said = f"{provider.address} {ENERGY} Wh at {RATE} wei/Wh\nTrue\n"
    assert capsys.readouterr().out == said


def test_a_hash_may_be_text_and_the_parties_be_known(
    prove, connection_id, trusted, consumer, provider
):
    parties = {"consumer": consumer.address.lower(), "provider": provider.address}
    assert prove(connection_id, to_hex(trusted()), **parties).provider == provider


def test_a_proven_code_hash_makes_fetching_the_code_needless(prove, rpc, market, connection_id):
    code_hash = keccak(decode_hex(rpc.honest("eth_getCode", market.address, "latest")))
    assert prove(connection_id, code_hash=code_hash)
    assert "eth_getCode" not in rpc.asked


# What is not so, although the node is honest


def test_an_open_auction_is_not_connected(prove, bid_id):
    with pytest.raises(errors.NotConnected, match="is open in block"):
        prove(bid_id)


def test_the_round_after_a_connection_makes_it_stale(
    prove, market, connection_id, start_auction, consumer
):
    market.endConnection(market.currentAuctionId(consumer), sender=consumer)
    start_auction()
    with pytest.raises(errors.StaleAuction, match="is its consumer's round 1, and in block"):
        prove(connection_id)


@pytest.mark.parametrize("change", [1, 2**32])
def test_an_auction_that_was_never_started_is_not_connected(prove, connection_id, change):
    with pytest.raises(errors.NotConnected, match="had not been started"):
        prove(connection_id + change)


@pytest.mark.parametrize("auction_id", [-1, 1 << 192, 1 << 600])
def test_what_is_no_auctions_id_is_refused(prove, auction_id):
    with pytest.raises(errors.NotConnected, match="is no auction's id"):
        prove(auction_id)


def test_a_block_before_the_award_does_not_prove_it(
    prove, market, bid_id, trusted, consumer, clock
):
    block = trusted()
    clock.next_block_at(market.auctions(bid_id).closingTime)
    market.endAuction(market.currentAuctionId(consumer), sender=consumer)
    with pytest.raises(errors.NotConnected, match="older than the award"):
        prove(bid_id, block)


def test_a_block_before_the_market_does_not_prove_it(prove, rpc, connection_id):
    genesis = decode_hex(rpc.honest("eth_getBlockByNumber", "0x0", False)["hash"])
    with pytest.raises(errors.AccountAbsent, match="older than the market"):
        prove(connection_id, genesis)


def test_another_consumer_or_provider_than_the_expected_is_found_out(
    prove, connection_id, stranger
):
    with pytest.raises(errors.WrongConsumer, match=f"and not of {stranger.address}"):
        prove(connection_id, consumer=stranger.address)
    with pytest.raises(errors.WrongProvider, match=f"and not to {stranger.address}"):
        prove(connection_id, provider=stranger.address)


def test_terms_as_they_were_said_are_compared_with_what_is_proven(prove, market, connection_id):
    proven = prove(connection_id)
    proven.require(token=market.accessToken(connection_id), provider=proven.provider.lower())
    with pytest.raises(errors.WrongTerms, match=f"the rate .* said to be 1, and .* {RATE}"):
        proven.require(energy_wh=ENERGY, rate=1)
    with pytest.raises(errors.WrongTerms, match="the token of the connection is said to be 0x1111"):
        proven.require(token=b"\x11" * 32)


def test_a_token_is_good_until_its_last_second(prove, connection_id):
    end = prove(connection_id).valid_until
    assert prove(connection_id, now=end - 1)
    with pytest.raises(errors.TokenExpired, match="was valid until"):
        prove(connection_id, now=end)


def test_a_token_that_had_expired_in_the_trusted_block_is_found_out(prove, connection_id, clock):
    clock.move_to(prove(connection_id).valid_until)
    with pytest.raises(errors.TokenExpired):
        prove(connection_id)


def test_another_contract_with_the_same_storage_is_no_market(
    prove, rpc, market, connection_id, trusted
):
    code = rpc.honest("eth_getCode", market.address, "latest")
    expected = keccak(decode_hex(code))
    for fake in (code + "00", code[:-2] + "00", "0xfe"):
        rpc.honest("anvil_setCode", market.address, fake)
        rpc.honest("evm_mine")
        with pytest.raises(errors.WrongCode, match="is not the market of this version"):
            prove(connection_id)
        with pytest.raises(errors.WrongCode, match="check the market's address"):
            prove(connection_id, code_hash=expected)


def test_a_market_with_other_parameters_is_a_market(
    rpc, deploy_market, trusted, organization, consumer
):
    other = deploy_market(settlementWindow=7_200)
    with pytest.raises(errors.NotConnected, match="had not been started"):  # the code was taken
        prove_connection(rpc, other.address, other.currentAuctionId(consumer) + 1, trusted())


@pytest.mark.parametrize("block", [b"", b"\x01" * 31, "0x", "latest", "0x" + "zz" * 32])
def test_what_is_no_hash_is_refused(rpc, market, connection_id, block):
    with pytest.raises(ConfigurationError, match="expected its hash"):
        prove_connection(rpc, market.address, connection_id, block)


def test_what_is_no_address_is_refused(rpc, connection_id, trusted):
    with pytest.raises(ConfigurationError, match="the market's address is 'market'"):
        prove_connection(rpc, "market", connection_id, trusted())


# Lies about the block


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("stateRoot", "0x" + "11" * 32),
        ("timestamp", "0x1"),
        ("number", "0x1"),
        ("extraData", "0x00"),
        ("baseFeePerGas", "0x7"),
        ("requestsHash", "0x" + "00" * 32),
        ("requestsHash", None),
    ],
)
def test_a_changed_header_is_found_out(prove, rpc, connection_id, field, value):
    rpc.lies["eth_getBlockByHash"] = lambda block: block | {field: value}
    with pytest.raises(errors.HeaderMismatch, match="the node lies"):
        prove(connection_id)


def test_a_real_header_of_another_block_is_found_out(prove, rpc, connection_id):
    other = rpc.honest("eth_getBlockByNumber", "0x1", False)
    rpc.lies["eth_getBlockByHash"] = lambda _: other
    with pytest.raises(errors.HeaderMismatch):
        prove(connection_id)


def test_a_header_with_a_field_of_a_later_fork_is_named_as_such(prove, rpc, connection_id):
    later = {"blockAccessListHash": "0x" + "11" * 32, "gasUsed": "0x1"}
    rpc.lies["eth_getBlockByHash"] = lambda block: block | later
    with pytest.raises(errors.UnknownHeaderField, match="unknown here, blockAccessListHash"):
        prove(connection_id)


def test_what_a_node_says_beside_the_header_does_not_matter(prove, rpc, connection_id):
    rpc.lies["eth_getBlockByHash"] = lambda block: block | {"size": "0x0", "l1Block": "0x1"}
    assert prove(connection_id)


def test_a_block_that_the_node_does_not_have_is_named(prove, connection_id):
    with pytest.raises(errors.UnknownBlock, match="does not know the trusted block"):
        prove(connection_id, b"\x11" * 32)


@pytest.mark.parametrize(
    "lie",
    [
        lambda _: [],
        lambda _: "0x",
        lambda block: block | {"stateRoot": "0x11"},
        lambda block: block | {"number": 7},
        lambda block: block | {"number": "seven"},
        lambda block: {name: block[name] for name in block if name != "miner"},
    ],
)
def test_an_answer_that_is_no_block_is_refused(prove, rpc, connection_id, lie):
    rpc.lies["eth_getBlockByHash"] = lie
    with pytest.raises(errors.MalformedAnswer, match="is not a block"):
        prove(connection_id)


# Lies about the state


def changed(*path, value):
    """A lie that replaces one thing in an answer."""

    def lie(answer):
        answer = copy.deepcopy(answer)
        place = answer
        for key in path[:-1]:
            place = place[key]
        place[path[-1]] = value(place[path[-1]]) if callable(value) else value
        return answer

    return lie


def with_rate(word, rate=LOWER_RATE):
    """The second slot with another rate."""
    bid = int(word, 16) & ~((2**64 - 1) << 160) | rate << 160
    return hex(bid)


@pytest.mark.parametrize(
    ("lie", "message"),
    [
        (changed("balance", value="0x0"), "the node says that the balance"),
        (changed("nonce", value="0x7"), "the node says that the nonce"),
        (changed("codeHash", value="0x" + "11" * 32), "the node says that the codeHash"),
        (changed("storageHash", value="0x" + "11" * 32), "the node says that the storageHash"),
        (changed("storageProof", 1, "value", value=with_rate), "the node says that slot"),
        (changed("storageProof", 0, "value", value="0x0"), "the node says that slot"),
        (changed("storageProof", value=[]), "the node gives no proof of slot"),
        (changed("storageProof", value=lambda proofs: proofs[:1]), "the node gives no proof of"),
        (changed("storageProof", 0, "key", value="0x3"), "the node gives no proof of slot"),
        (changed("storageProof", 0, "proof", value=[]), "does not lead up to the trusted block"),
        (changed("storageProof", 0, "proof", value=lambda nodes: nodes[:-1]), "does not lead up"),
        (changed("storageProof", 0, "proof", value=lambda nodes: nodes[1:]), "does not lead up"),
        (changed("accountProof", value=[]), "does not lead up to the trusted block"),
        (changed("accountProof", value=lambda nodes: nodes[:-1]), "does not lead up"),
        (changed("accountProof", 0, value="0x"), "is malformed|does not lead up"),
        (changed("accountProof", 0, value="0xc0"), "is malformed|does not lead up"),
        (changed("accountProof", 0, value="0xff"), "is malformed"),
    ],
)  # fmt: skip
def test_a_changed_proof_is_found_out(prove, rpc, connection_id, lie, message):
    rpc.lies["eth_getProof"] = lie
    with pytest.raises(errors.InvalidProof, match=message):
        prove(connection_id)


@pytest.mark.parametrize(
    "lie",
    [
        lambda _: None,
        lambda _: "0x",
        changed("balance", value=7),
        changed("accountProof", value=None),
        changed("accountProof", value=["0x" + "00" * 2_000]),
        changed("accountProof", value=["0x00"] * 100),
        changed("storageProof", 0, "value", value="0x1" + "00" * 32),
    ],
)
def test_an_answer_that_is_no_proof_is_refused(prove, rpc, connection_id, lie):
    rpc.lies["eth_getProof"] = lie
    with pytest.raises(errors.MalformedAnswer, match="is not one of eth_getProof"):
        prove(connection_id)


def test_a_real_proof_of_another_account_is_found_out(prove, rpc, connection_id, consumer):
    other = rpc.honest("eth_getProof", consumer.address, slots_of(consumer.address), "latest")
    rpc.lies["eth_getProof"] = lambda _: other
    with pytest.raises(errors.InvalidProof):
        prove(connection_id)


def test_a_real_proof_of_another_block_is_found_out(
    prove, rpc, market, connection_id, consumer, trusted, chain
):
    """The connection is over, and the node shows the state before."""
    old = rpc.honest("eth_getProof", market.address, slots_of(consumer.address), "latest")
    market.endConnection(market.currentAuctionId(consumer), sender=consumer)
    rpc.lies["eth_getProof"] = lambda _: old
    with pytest.raises(errors.InvalidProof, match="does not lead up to the trusted block"):
        prove(connection_id)


def test_a_real_proof_of_another_consumers_slots_is_found_out(
    prove, rpc, market, connection_id, consumer, rival
):
    other = rpc.honest("eth_getProof", market.address, slots_of(rival.address), "latest")
    rpc.lies["eth_getProof"] = lambda _: other
    with pytest.raises(errors.InvalidProof, match="gives no proof of slot"):
        prove(connection_id)
    for entry, slot in zip(other["storageProof"], slots_of(consumer.address), strict=True):
        entry["key"] = slot
    with pytest.raises(errors.InvalidProof, match="does not lead up"):
        prove(connection_id)


def forged_state(answer, market, **slots):
    """A state of the node's own making, whole and consistent, in which slots have other values.

    Returns the answer of eth_getProof for it, and its root.
    """
    answer = copy.deepcopy(answer)
    storage = HexaryTrie({})
    for entry in answer["storageProof"]:
        value = int(slots.get(entry["key"], entry["value"]), 16)
        storage[keccak(decode_hex(entry["key"]))] = rlp.encode(value)
    nonce, balance = int(answer["nonce"], 16), int(answer["balance"], 16)
    account = rlp.encode([nonce, balance, storage.root_hash, decode_hex(answer["codeHash"])])
    state = HexaryTrie({})
    state[keccak(b"somebody else")] = account
    state[keccak(decode_hex(market))] = account

    def proof(trie, key):
        return [to_hex(rlp.encode(node)) for node in trie.get_proof(keccak(key))]

    for entry in answer["storageProof"]:
        entry["value"] = slots.get(entry["key"], entry["value"])
        entry["proof"] = proof(storage, decode_hex(entry["key"]))
    answer["storageHash"] = to_hex(storage.root_hash)
    answer["accountProof"] = proof(state, decode_hex(market))
    return answer, state.root_hash


def test_a_whole_state_of_the_nodes_own_making_is_found_out(
    prove, rpc, market, connection_id, consumer, stranger, trusted
):
    """The node awards the auction to somebody else, and everything it shows fits together."""
    key = slots_of(consumer.address)[1]
    bid = hex(int(stranger.address, 16) | LOWER_RATE << 160)
    honest = rpc.honest("eth_getProof", market.address, slots_of(consumer.address), "latest")
    forged, root = forged_state(honest, market.address, **{key: bid})
    rpc.lies["eth_getProof"] = lambda _: forged
    with pytest.raises(errors.InvalidProof, match="does not lead up to the trusted block"):
        prove(connection_id)

    # With a header to it, it would be believed by who believes the header: it is a good forgery.
    rpc.lies["eth_getBlockByHash"] = lambda block: block | {"stateRoot": to_hex(root)}
    with pytest.raises(errors.HeaderMismatch):
        prove(connection_id)
    header = Header.read(rpc("eth_getBlockByHash", [to_hex(trusted()), False]))
    assert prove(connection_id, header).provider == stranger


def test_a_view_that_lies_is_found_out(prove, rpc, market, connection_id, stranger):
    """What a party read with eth_call before is what it has proven."""
    index = [output.name for output in market.auctions.abis[0].outputs[0].components].index

    def lie(result):
        words = bytearray(decode_hex(result))
        at = 32 * index("provider")
        words[at : at + 32] = decode_hex(stranger.address).rjust(32, b"\0")
        return to_hex(bytes(words))

    rpc.lies["eth_call"] = lie
    data = to_hex(market.auctions.encode_input(connection_id))
    result = decode_hex(rpc("eth_call", [{"to": market.address, "data": data}, "latest"]))
    at = 32 * index("provider")
    (said,) = decode(["address"], result[at : at + 32])
    assert said == stranger.address.lower()
    with pytest.raises(errors.WrongProvider, match=f"and not to {said}"):
        prove(connection_id, provider=said)


@pytest.mark.parametrize(
    ("lie", "error", "message"),
    [
        (lambda code: code + "00", errors.WrongCode, "the node lies"),
        (lambda _: "0x", errors.WrongCode, "the node lies"),
        (lambda _: None, errors.MalformedAnswer, "is not a contract's code"),
    ],
)
def test_a_lie_about_the_code_is_found_out(prove, rpc, connection_id, lie, error, message):
    rpc.lies["eth_getCode"] = lie
    with pytest.raises(error, match=message):
        prove(connection_id)


def test_any_byte_of_any_proof_node_that_is_changed_is_refused(
    rpc, market, connection_id, trusted, consumer
):
    """The answers are Anvil's, asked once; what is changed is one byte of one node."""
    block = trusted()
    answers = {
        "eth_getBlockByHash": rpc("eth_getBlockByHash", [to_hex(block), False]),
        "eth_getCode": rpc("eth_getCode", [market.address, "latest"]),
    }
    honest = rpc("eth_getProof", [market.address, slots_of(consumer.address), "latest"])
    lists = [("accountProof",), *(("storageProof", index, "proof") for index in range(2))]

    def nodes(answer, path):
        for key in path:
            answer = answer[key]
        return answer

    places = [
        (path, index, position)
        for path in lists
        for index, node_ in enumerate(nodes(honest, path))
        for position in range(len(decode_hex(node_)))
    ]
    assert len(places) > 500

    def proven(answer):
        said = answers | {"eth_getProof": answer}
        return prove_connection(
            lambda method, _: said[method], market.address, connection_id, block
        )

    @settings(max_examples=500)
    @given(st.sampled_from(places), st.integers(1, 255))
    def is_refused(place, difference):
        path, index, position = place
        answer = copy.deepcopy(honest)
        data = bytearray(decode_hex(nodes(answer, path)[index]))
        data[position] ^= difference
        nodes(answer, path)[index] = to_hex(bytes(data))
        with pytest.raises(errors.InvalidProof):
            proven(answer)

    assert proven(honest).token == market.accessToken(connection_id)
    is_refused()
