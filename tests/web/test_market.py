"""The organization's page: who may trade, by one account or by a table, and whose market it is."""

import ape
import pytest
from playwright.sync_api import expect

from tests.helpers.world import ALICE, BOB, ORGANIZATION

BATCH = 50


def checksummed(number):
    return ape.convert(f"0x{0xCA << 152 | number:040x}", ape.types.AddressType)


def registered(world, account):
    data = world.interface.call_data("evs", account)
    return world.interface.output("evs", 1, world.node.call(world.address, data))[1] != 0


@pytest.fixture
def office(new_phone):
    """The organization's phone, on the market's page."""
    phone = new_phone(ORGANIZATION).connect()
    phone.go("Wallet")
    phone.page.get_by_role("link", name="Rules of this market").click()
    phone.sees("Register a list")
    return phone


def test_everybody_sees_the_rules_and_the_cars_and_nobody_else_the_office(alice, world):
    world.trade()
    alice.go("Wallet")
    alice.page.get_by_role("link", name="Rules of this market").click()
    alice.sees("A broken promise costs 10 % of that.")
    alice.sees("Open: it takes new requests.")
    alice.sees("Trades: 1, missed: 0")
    alice.does_not_see("Register a car")
    expect(alice.page.get_by_role("button", name="Remove")).to_have_count(0)
    alice.page.get_by_role("heading", name="This market").wait_for()


def test_a_table_is_read_row_by_row_and_registered_in_batches(office, world):
    cars = [checksummed(number) for number in range(BATCH + 2)]
    wrong = cars[0].replace("CA", "cA")
    good = [f'{car},"Van, number {at} of ""us"""' for at, car in enumerate(cars)]
    bad = [f"{ape.convert(ALICE, ape.types.AddressType)},again", f"{cars[1]},twice", "0x12,short",
           f"{checksummed(900)},{'x' * 513}", f"{checksummed(901)},a,b", wrong]  # fmt: skip
    office.fill("Paste a table", "\n".join(["address,infos", *good, "", *bad]))

    office.sees(f"{len(cars)} to register, {len(bad)} left out")
    first = len(good) + 3  # the line of the first that is wrong
    for at, said in enumerate([
        "registered already", "stands above already", "no address",
        "the note is longer than 512 bytes", "more than two columns",
        "a digit of the address is wrong",
    ]):  # fmt: skip
        office.sees(f"Line {first + at}: {said}")
    office.press(f"Register {len(cars)}")
    office.sees("The notes are public for ever.")
    office.confirms(f"Register {len(cars)}", f"Cars registered: {len(cars)}.")

    assert len(office.wallet.sent) == 2
    assert all(registered(world, car) for car in cars)
    assert not registered(world, checksummed(900))
    office.sees('Van, number 0 of "us"')
    office.sees(f"0 to register, {len(cars) + len(bad)} left out")
    assert office.complaints == []


def test_batches_go_on_after_the_page_was_closed(office, world, node):
    cars = [checksummed(number) for number in range(BATCH + 2)]
    office.fill("Paste a table", "\n".join(["address,infos", *(f"{car},Van" for car in cars)]))
    office.press(f"Register {len(cars)}")
    node.request("evm_setAutomine", False)
    office.page.get_by_role("dialog").get_by_role("button", name=f"Register {len(cars)}").click()
    office.sees("Sent. It comes with one of the next blocks.")
    office.page.close()
    node.request("evm_setAutomine", True)
    node.request("evm_mine")

    office.open()
    office.press("Go on")
    office.confirms("Register 2", "Cars registered: 2.")
    assert len(office.wallet.sent) == 2
    assert all(registered(world, car) for car in cars)


def test_a_market_is_closed_and_changes_hands_by_two_who_agree(office, bob, world):
    office.press("Remove Alice's EV")
    office.confirms("Remove", "Alice's EV is registered no more.")
    assert not registered(world, ALICE)
    office.fill("Its account", ALICE)
    office.press("Register a car")
    office.confirms("Register 1", "Cars registered: 1.")
    assert registered(world, ALICE)

    office.press("Close for new requests")
    office.confirms("Close for new requests", "The market is closed.")
    office.sees("Closed: no new requests.")
    office.fill("New owner", ape.convert(BOB, ape.types.AddressType))
    office.press("Offer the market")
    office.confirms("Offer the market", "It is offered; the new owner has to accept.")

    bob.go("Wallet")
    bob.page.get_by_role("link", name="Rules of this market").click()
    bob.press("Accept the market")
    bob.confirms("Accept the market", "The market is yours.")
    bob.press("Open again")
    bob.confirms("Open again", "The market is open.")
    office.does_not_see("Register a car")
