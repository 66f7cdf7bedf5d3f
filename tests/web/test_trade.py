"""Two phones trade: from the request to the last unit in both wallets."""

import re

from playwright.sync_api import expect

from tests.helpers.world import ALICE, BOB, ENERGY, FUNDS, GWEI

BEST = 297 * GWEI  # a wei per Wh; what the second bid may be after one of 300


def balance(world, account):
    """Free in the market."""
    data = world.interface.call_data("evs", account)
    return world.interface.output("evs", 1, world.node.call(world.address, data))[0]


def test_two_phones_trade_to_the_last_unit(alice, bob, world, pass_time):
    alice.fill("Energy", "20")
    alice.fill("At most, per kWh", "0.0003")
    alice.sees("You lock 0.006 ETH")
    alice.press("Ask")
    alice.sees("Come back between")
    alice.confirms("Lock 0.006 ETH and ask", "Your request is open.")
    alice.sees("No bid yet")

    bob.go("Earn")
    bob.press("Bid 0.0003 ETH/kWh")
    bob.confirms("Bid 0.0003 ETH/kWh", "You bid 0.0003 ETH/kWh.")
    bob.sees("You lead with 0.0003 ETH/kWh. Bond locked: 0.006 ETH.")
    alice.sees(re.compile("leads"))

    pass_time(601)
    bob.sees(re.compile(r"^You won\. Alice's EV has until"))
    alice.press("Accept 0.0003 ETH/kWh")
    alice.confirms("Accept 0.0003 ETH/kWh", re.compile("delivers"))
    bob.sees("You deliver to Alice's EV.")

    alice.press("Pay and finish")
    alice.confirms("Pay 0.006 ETH", "Paid 0.006 ETH for 20 kWh. 0 ETH is free again.")
    assert balance(world, ALICE) == FUNDS - ENERGY * 300 * GWEI
    assert balance(world, BOB) == FUNDS + ENERGY * 300 * GWEI

    for phone, gets in ((alice, "0.994 ETH"), (bob, "1.006 ETH")):
        phone.go("Wallet")
        phone.press("Withdraw all")
        phone.confirms(f"Withdraw {gets}", f"{gets} is in your wallet.")
        expect(phone.page.get_by_role("button", name="Withdraw all")).to_be_disabled()
        assert phone.complaints == []
    assert balance(world, ALICE) == balance(world, BOB) == 0
