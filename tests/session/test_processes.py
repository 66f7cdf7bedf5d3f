"""Two real processes and a real chain: the figures of both sides and of the chain agree."""

import time

from pairs import RATE, settled

KWH_7_2 = 7_200


def test_two_processes_deliver_7_2_kwh_and_all_figures_agree(pair, balance, consumer, provider):
    both = pair(KWH_7_2, speed=400)
    before = balance(consumer), balance(provider)
    began = time.monotonic()
    both.provider.start()
    assert both.provider.await_message() == both.url
    both.consumer.start()
    assert both.consumer.await_exit() == 0
    assert both.provider.await_exit() == 0
    assert time.monotonic() - began < 20
    assert settled(both) == KWH_7_2
    reserve, bond = KWH_7_2 * 300 * 10**9, KWH_7_2 * 300 * 10**9
    cost = KWH_7_2 * RATE
    assert balance(consumer) == before[0] + reserve - cost
    assert balance(provider) == before[1] + bond + cost
