"""How auctions and connections end: what the page says that it costs is what the contract takes."""

import re

import ape
import pytest
from playwright.sync_api import expect

from ape_v2v.market.interface.parameters import Parameters
from tests.helpers.world import (
    ALICE,
    BIDDING_TIME,
    BOB,
    CAROL,
    ENERGY,
    FUNDS,
    GWEI,
    MAX_RATE,
    ORGANIZATION,
    PENALTY,
    TERMS,
    VALIDITY,
)
from tests.web.test_stories import auction_of, send
from tests.web.test_trade import balance

RULES = Parameters()
RATE = 250 * GWEI
COST = ENERGY * RATE
NAME = "Alice's EV"


def short(account):
    """As the page names an account that has no note."""
    address = ape.convert(account, ape.types.AddressType)
    return f"{address[:6]}…{address[-4:]}"


BOBS = short(BOB)


def start(world, *, is_open_award=False):
    send(world, ALICE, "startAuction", ENERGY, MAX_RATE, BIDDING_TIME, VALIDITY, is_open_award, "")
    return auction_of(world)


def bid(world, started, provider=BOB, rate=RATE):
    send(world, provider, "placeBid", started, rate, TERMS)


def connect(world, pass_time):
    """Bob delivers to Alice."""
    started = start(world)
    bid(world, started)
    pass_time(BIDDING_TIME)
    send(world, ALICE, "endAuction", started)
    return started


def last_event(world):
    *_, name, values = world.receipts[-1]
    return name, values


def ether(amount):
    return f"{amount / 10**18:.18f}".rstrip("0").rstrip(".") + " ETH"


# --- What a cancellation costs


def a_bid(world, started, _pass_time):
    bid(world, started)


def a_bid_after_one_was_taken_back(world, started, _pass_time):
    bid(world, started)
    send(world, BOB, "removeBid", started)
    bid(world, started, CAROL)


def a_bid_long_after_one_was_taken_back(world, started, pass_time):
    a_bid_after_one_was_taken_back(world, started, pass_time)
    pass_time(RULES.extensionWindow)


def a_bid_of_a_car_that_is_registered_no_more(world, started, _pass_time):
    bid(world, started)
    send(world, ORGANIZATION, "removeEV", BOB)


def a_missed_award(world, started, pass_time):
    bid(world, started)
    pass_time(BIDDING_TIME + RULES.awardWindow)


FREE, COSTS = "Cancel, free", "Cancel, costs 0.0006 ETH"


@pytest.mark.parametrize(
    ("happens", "is_open_award", "button", "costs"),
    [
        (lambda *_: None, False, FREE, 0),
        (a_bid, False, COSTS, PENALTY),
        (a_bid, True, COSTS, PENALTY),
        (a_bid_after_one_was_taken_back, False, FREE, 0),
        (a_bid_long_after_one_was_taken_back, False, COSTS, PENALTY),
        (a_bid_of_a_car_that_is_registered_no_more, False, FREE, 0),
        (a_missed_award, False, COSTS, PENALTY),
        (a_missed_award, True, FREE, 0),
    ],
    ids=[
        "no bid", "bid", "open award", "taken back", "taken back long ago", "removed car",
        "missed award", "missed open award",
    ],
)  # fmt: skip
def test_a_cancellation_costs_what_button_and_sheet_say(
    alice, world, pass_time, happens, is_open_award, button, costs
):
    started = start(world, is_open_award=is_open_award)
    happens(world, started, pass_time)
    before = balance(world, ALICE)
    alice.press(button)
    sheet = alice.page.get_by_role("dialog")
    row = sheet.locator(".facts > div").filter(has_text="You can lose")
    expect(row.locator("dd")).to_have_text(ether(costs))
    alice.confirms(f"Cancel for {ether(costs)}" if costs else FREE, "Your request is cancelled.")

    name, (auction, _, penalty) = last_event(world)
    assert (name, int(auction), penalty) == ("AuctionCancelled", started, costs)
    assert balance(world, ALICE) == before + ENERGY * MAX_RATE - costs


def test_an_open_award_threatens_nobody_with_a_penalty(alice, world, pass_time):
    bid(world, start(world, is_open_award=True))
    pass_time(BIDDING_TIME)

    alice.sees(re.compile("^Anybody may accept it until"))
    alice.does_not_see(re.compile("or lose"))


# --- What the winner may do


def test_who_led_ends_a_missed_award_and_is_paid(alice, bob, world, pass_time):
    bid(world, start(world))
    bob.go("Earn")
    pass_time(BIDDING_TIME)
    bob.sees(re.compile(rf"^You won\. {NAME} has until"))
    expect(bob.page.get_by_role("button", name="Accept")).to_have_count(0)

    pass_time(RULES.awardWindow)
    bob.sees("Nobody accepted in time. Anybody may cancel now.")
    bob.press("End it and get 0.0006 ETH")
    bob.confirms(
        "End it and get 0.0006 ETH", "It is over: 0.0006 ETH for you, and your bond is free."
    )

    assert balance(world, BOB) == FUNDS + PENALTY
    assert balance(world, ALICE) == FUNDS - PENALTY
    for phone in (alice, bob):
        phone.sees(f"Cancelled: {NAME} paid 0.0006 ETH to {BOBS}")


def test_who_led_ends_a_missed_open_award_for_nothing(bob, world, pass_time):
    bid(world, start(world, is_open_award=True))
    bob.go("Earn")
    pass_time(BIDDING_TIME + RULES.awardWindow)
    bob.press("End it")
    bob.confirms("End it", "It is over: 0 ETH for you, and your bond is free.")

    assert balance(world, BOB) == balance(world, ALICE) == FUNDS
    bob.sees("Cancelled, free")


def test_who_led_accepts_an_open_award_itself(alice, bob, world, pass_time):
    bid(world, start(world, is_open_award=True))
    bob.go("Earn")
    pass_time(BIDDING_TIME)
    bob.press("Accept 0.00025 ETH/kWh")
    bob.confirms("Accept 0.00025 ETH/kWh", "delivers.")

    bob.sees(f"You deliver to {NAME}.")
    alice.sees(f"{BOBS} delivers.")


# --- How a connection ends, and that the other side is told


def test_who_delivers_is_told_that_it_was_paid(alice, bob, world, pass_time):
    connect(world, pass_time)
    bob.go("Earn")
    bob.sees(f"You deliver to {NAME}.")
    alice.press("Pay and finish")
    alice.confirms("Pay 0.005 ETH", "Paid 0.005 ETH for 20 kWh. 0.001 ETH is free again.")

    for phone in (alice, bob):
        phone.sees(f"{NAME} paid 0.005 ETH to {BOBS} for 20 kWh")
    assert balance(world, ALICE) == FUNDS - COST
    assert balance(world, BOB) == FUNDS + COST


def test_who_gives_up_pays_what_was_said_and_who_asked_is_told(alice, bob, world, pass_time):
    connect(world, pass_time)
    alice.sees(f"{BOBS} delivers.")
    bob.go("Earn")
    bob.press("Give up, costs 0.0012 ETH")
    bob.confirms("Give up for 0.0012 ETH", "You gave it up.")

    for phone in (alice, bob):
        phone.sees(f"{BOBS} gave up: 0.0012 ETH to {NAME}")
    assert balance(world, ALICE) == FUNDS + 2 * PENALTY
    assert balance(world, BOB) == FUNDS - 2 * PENALTY
    alice.sees("Ask for energy.")


def test_of_what_nobody_reports_both_lose_the_same(alice, bob, world, pass_time):
    connect(world, pass_time)
    bob.go("Earn")
    bob.sees(f"You deliver to {NAME}.")
    expect(bob.page.get_by_role("button", name="End it")).to_have_count(0)

    pass_time(VALIDITY + RULES.settlementWindow)
    alice.sees("Nobody reported anything in time.")
    bob.press("End it")
    bob.sees("Each side loses 0.0006 ETH; nobody gets it.")
    bob.confirms("End it", "Nobody reported. Both lost 0.0006 ETH.")

    for phone in (alice, bob):
        phone.sees("Nobody reported: each side lost 0.0006 ETH")
    assert balance(world, ALICE) == balance(world, BOB) == FUNDS - PENALTY


# --- The history, in every language

NOT_ENGLISH = re.compile(r"0x\w+|\b(ETH|kWh|EV|Alice's)\b")
"""What is the same in every language."""


@pytest.fixture
def a_long_history(world, pass_time):
    """An auction for each way to end, and a trade for each way on one chain without signatures."""
    send(world, ALICE, "cancelAuction", start(world), 0)
    started = start(world)
    a_bid_after_one_was_taken_back(world, started, pass_time)
    pass_time(RULES.extensionWindow)
    send(world, ALICE, "cancelAuction", started, PENALTY)
    started = start(world)
    pass_time(BIDDING_TIME)
    send(world, ALICE, "endAuction", started)
    send(world, ALICE, "endConnection", connect(world, pass_time))
    send(world, BOB, "forfeit", connect(world, pass_time))
    started = connect(world, pass_time)
    pass_time(VALIDITY + RULES.settlementWindow)
    send(world, BOB, "expireConnection", started)
    send(world, ALICE, "withdraw", 10**17, ALICE)
    send(world, ORGANIZATION, "transferOwnership", ALICE)
    send(world, ALICE, "acceptOwnership")


def told(phone):
    """What has happened, line by line."""
    lines = phone.page.locator(".happenings > li > span:first-child")
    expect(lines.first).to_be_visible()
    return lines.all_text_contents()


@pytest.mark.usefixtures("a_long_history")
def test_the_history_says_who_has_paid_whom_in_every_language(alice):
    alice.go("Wallet")
    alice.sees("Market handed over")
    english = told(alice)
    assert {
        "Cancelled, free",
        f"{BOBS} took its bid back: 0.0006 ETH to {NAME}",
        f"Cancelled: {NAME} paid 0.0006 ETH to {short(CAROL)}",
        "Nobody bid",
        f"{NAME} paid 0.005 ETH to {BOBS} for 20 kWh",
        f"{BOBS} gave up: 0.0012 ETH to {NAME}",
        "Nobody reported: each side lost 0.0006 ETH",
        "Withdrawn 0.1 ETH",
        "Market offered",
    } < set(english)
    assert not [line for line in english if re.search(r"at 0 ETH|\(|\{|…$", line)]

    for language, withdraw in (("de", "Alles abheben"), ("fr", "Tout retirer")):
        alice.page.locator("select").first.select_option(language)
        expect(alice.page.get_by_role("button", name=withdraw)).to_be_visible()
        others = told(alice)
        assert len(others) == len(english)
        shared = words(others) & words(english)
        assert shared == set(), f"{language} has English words"


def words(lines):
    """Words that could be of one language only."""
    text = NOT_ENGLISH.sub(" ", " ".join(lines).casefold().replace("alice's ev", ""))
    return set(re.findall(r"[a-zà-ÿ]{2,}", text)) - {"eth", "kwh"}
