"""Two real processes and a real chain: the figures of both sides and of the chain agree."""

import time

import pytest

KWH_7_2 = 7_200
RATE = 200 * 10**9


def settled(pair):
    """Check that all three agree; return the energy."""
    provider, consumer = pair.stores
    ours, theirs = pair.outcomes()
    assert ours is not None
    assert ours == theirs
    assert pair.market.auctions(pair.auction_id).state == 0
    assert ours.event == "ConnectionEnded"
    assert ours.cost == ours.energy_wh * RATE
    highest = provider.highest_receipt(pair.token)
    assert ours.energy_wh == highest.energy_wh
    assert ours.meter_data_hash == highest.meter_data_hash
    kept = consumer.receipts(pair.token)
    assert [receipt for receipt in provider.receipts(pair.token) if receipt not in kept] == []
    return ours.energy_wh


def test_two_processes_deliver_7_2_kwh_and_all_figures_agree(pair, balance, consumer, provider):
    both = pair(KWH_7_2, speed=400)
    before = balance(consumer), balance(provider)
    began = time.monotonic()
    both.provider.start()
    assert both.provider.await_message() == both.consumer.plan.url
    print("serving", time.monotonic()-began)
    both.consumer.start()
    assert both.consumer.await_exit() == 0
    print("consumer", time.monotonic()-began)
    import sqlite3
    for s in both.stores:
        print([ (r[0]-s._rows("select min(at) from meter_values")[0][0], r[1]) for r in s._rows("select at, energy_wh from receipts")][-1], s._rows("select count(*) from receipts"), s._rows("select min(at) from meter_values")[0][0]-time.time(), s._rows("select at from outcomes"), time.time())
    assert both.provider.await_exit() == 0
    assert time.monotonic() - began < 20
    assert settled(both) == KWH_7_2
    reserve, bond = KWH_7_2 * 300 * 10**9, KWH_7_2 * 300 * 10**9
    cost = KWH_7_2 * RATE
    assert balance(consumer) == before[0] + reserve - cost
    assert balance(provider) == before[1] + bond + cost
