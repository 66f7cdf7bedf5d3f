"""What must hold after every session, whatever happened on the way."""

from conftest import RATE


def settled(pair):
    """Check that both sides and the chain agree; return the energy that was paid, Wh."""
    provider, consumer = pair.stores
    ours, theirs = pair.outcomes()
    assert ours is not None
    assert ours == theirs
    assert pair.market.auctions(pair.auction_id).state == 0
    assert ours.event == "ConnectionEnded"
    assert ours.cost == ours.energy_wh * RATE
    # No receipt is lost: the provider is paid for the highest one that it has.
    highest = provider.highest_receipt(pair.token)
    assert highest is not None
    assert (ours.energy_wh, ours.meter_data_hash) == (highest.energy_wh, highest.meter_data_hash)
    # Whatever the provider has stored, the consumer had stored before.
    kept = consumer.receipts(pair.token)
    assert all(receipt in kept for receipt in provider.receipts(pair.token))
    # At most one increment is lost.
    assert pair.delivered_wh - ours.energy_wh <= pair.provider.plan.limits.max_unacknowledged_wh
    return ours.energy_wh
