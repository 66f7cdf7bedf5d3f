"""What a session asks of a market that is proven to it: no lie of the node is believed."""

import pytest

from ape_v2v import Market
from ape_v2v.errors import V2VError
from ape_v2v.session.onchain import MarketChain
from ape_v2v.session.protocol.codes import ErrorCode, SessionError
from tests.lightnode.conftest import proving
from tests.lightnode.lies import LIES

# What a session says of the chain, and must not say because a node lies.
CLAIMS = {ErrorCode.AWARD_TAKEN_BACK, ErrorCode.NOT_CONNECTED}
# So many lies at least concern what is asked; the others change nothing.
LEAST_REFUSED = {"agreement": 13, "require_award": 13, "end_of": 13, "end_of what is over": 16}


@pytest.fixture
def seen(rpc, trusted, chain, market, connection_id, provider, monkeypatch):
    """The market as the provider's session sees it, by a node that has proven nothing yet."""
    monkeypatch.setattr("ape_v2v.session.onchain._PATIENCE", 0.1)

    def seen():
        found = Market.at(market.address, proving(rpc, trusted, chain))
        return MarketChain(found.connection(connection_id), provider, confirmations=0)

    return seen


@pytest.fixture(params=LEAST_REFUSED)
def asked(request, seen, market, connection_id, consumer):
    """A question of the session, as a function, and how many lies concern it."""
    agreement = seen().agreement()
    if request.param == "end_of what is over":
        Market.at(market.address).connection(connection_id).end(sender=consumer)
    question = {
        "agreement": lambda: seen().agreement(),
        "require_award": lambda: seen().require_award(agreement),
    }.get(request.param, lambda: seen().end_of(agreement))
    return question, LEAST_REFUSED[request.param]


def test_no_lie_of_the_node_is_believed_by_a_session(asked, rpc):
    question, least = asked
    truth = question()
    refused: dict[str, V2VError] = {}
    for lie, (method, tell) in LIES.items():
        rpc.lies = {method: tell}
        try:
            assert question() == truth, lie
        except V2VError as error:
            refused[lie] = error
    rpc.lies = {}

    assert len(refused) >= least, sorted(refused)
    for lie, told in refused.items():
        assert not (isinstance(told, SessionError) and told.code in CLAIMS), lie
        assert "\n" not in str(told), lie
    assert question() == truth


def test_the_end_that_a_session_sees_is_the_contracts(seen, market, connection_id, consumer):
    agreement = seen().agreement()
    assert seen().end_of(agreement) is None
    Market.at(market.address).connection(connection_id).end(sender=consumer)

    end = seen().end_of(agreement)

    assert (end.how, end.energy_wh) == ("paid", agreement.energy_wh)
    with pytest.raises(SessionError) as refusal:
        seen().agreement()
    assert refusal.value.code is ErrorCode.NOT_CONNECTED
