"""Two real processes and a real chain: the figures of both sides and of the chain agree."""

import pytest

from ape_v2v.session.protocol.wire import StopReason
from ape_v2v.session.terms import Limits
from tests.session.pairs import MAX_RATE, RATE, SESSION_WH, settled
from tests.session.proxy import FAULTS, faulty_link
from tests.session.runner import KILLED

KWH_7_2 = 7_200


def test_two_processes_deliver_7_2_kwh_and_all_figures_agree(pair, balance, consumer, provider):
    both = pair(KWH_7_2, speed=400)
    before = balance(consumer), balance(provider)
    both.provider.start()
    assert both.provider.await_message() == both.url
    both.consumer.start()
    assert both.consumer.await_exit() == 0
    assert both.provider.await_exit() == 0
    assert settled(both) == KWH_7_2
    reserve = bond = KWH_7_2 * MAX_RATE
    cost = KWH_7_2 * RATE
    assert balance(consumer) == before[0] + reserve - cost
    assert balance(provider) == before[1] + bond + cost


@pytest.mark.parametrize("seed", range(3))
def test_a_link_that_cuts_delays_duplicates_and_reorders_changes_nothing(pair, seed):
    both = pair(10 * SESSION_WH, speed=2_000)
    both.provider.start()
    assert both.provider.await_message() == both.url
    with faulty_link(both.url, seed=seed) as (url, link):
        both.consumer.replace(url=url)
        both.consumer.start()
        assert both.consumer.await_exit() == 0
        assert both.provider.await_exit() == 0
        assert min(link.seen.values()) > 0, f"{seed} does not try everything of {FAULTS}"
    assert settled(both) == 10 * SESSION_WH


def test_a_meter_that_loses_more_than_is_tolerated_stops_the_session(pair):
    both = pair(loss=0.03, speed=50)  # which shows only after some receipts
    both.provider.start()
    assert both.provider.await_message() == both.url
    both.consumer.start()
    ended = both.consumer.await_message()
    assert "the provider's meter says" in ended.problem
    assert both.provider.await_exit() == 0
    assert settled(both) < SESSION_WH


def test_losses_that_are_tolerated_are_paid(pair):
    both = pair(loss=0.01)
    both.run()
    assert settled(both) == SESSION_WH


def test_the_provider_closes_and_settles_when_the_consumer_has_vanished(pair):
    both = pair(limits=Limits(poll=0.2, link_timeout=1))
    both.provider.start()
    assert both.provider.await_message() == both.url
    both.consumer.start("consumer.receipt.send:after:2")
    assert both.consumer.await_exit() == KILLED
    assert both.provider.await_exit() == 0
    both.consumer.start()
    assert both.consumer.await_exit() == 0
    assert 0 < settled(both) < SESSION_WH
    assert both.stores[0].connections.get(both.token).stop_reason is StopReason.TIMEOUT
