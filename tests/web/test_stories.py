"""What goes otherwise than wished: each time the page says what is, and nothing is lost."""

import re

import pytest
from playwright.sync_api import expect

from ape_v2v.units import Rate
from tests.helpers.world import ALICE, BOB, CAROL, GWEI, ORGANIZATION, STRANGER, TERMS

GAS = hex(1_000_000)
NONCE = "0x1"
"""Of an EV's first transaction: it has paid in."""
ASKS = "Lock 0.006 ETH and ask"


def fill_in(phone):
    phone.fill("Energy", "20")
    phone.fill("At most, per kWh", "0.0003")
    phone.press("Ask")


def ask(phone):
    fill_in(phone)
    phone.confirms(ASKS, "Your request is open.")


def auction_of(world):
    """Alice's."""
    data = world.interface.call_data("currentAuctionId", ALICE)
    return world.interface.output("currentAuctionId", 1, world.node.call(world.address, data))


def send(world, sender, method, *arguments, value=0):
    """What others do, with no phone of ours, at the chain's own time."""
    data = "0x" + world.interface.call_data(method, *arguments).hex()
    call = {"from": sender, "to": world.address, "data": data, "value": hex(value)}
    sent = world.node.request("eth_sendTransaction", call | {"gasPrice": "0x0", "gas": GAS})
    assert world.node.receipt(sent)["status"] == "0x1"


def test_who_is_outbid_sees_it_and_takes_the_lead_again_by_two_taps(alice, new_phone, world):
    ask(alice)
    started = auction_of(world)
    bob = new_phone(BOB).connect()
    bob.go("Earn")
    bob.press("Bid 0.0003")
    bob.confirms("Bid 0.0003", "You bid 0.0003 ETH/kWh.")

    send(world, CAROL, "placeBid", started, 250 * GWEI, TERMS)
    bob.sees("You were outbid: 0.00025 ETH/kWh. Your bond is free.")

    bob.press("Bid 0.0002475 ETH/kWh")
    bob.confirms("Bid 0.0002475 ETH/kWh", "You bid 0.0002475 ETH/kWh.")
    bob.sees("You lead with 0.0002475 ETH/kWh. Bond locked: 0.006 ETH.")
    alice.sees("0.0002475 ETH/kWh")


def test_who_was_slower_is_told_so_before_anything_is_signed(alice, new_phone, world):
    ask(alice)
    started = auction_of(world)
    bob = new_phone(BOB).connect()
    bob.go("Earn")
    bob.sees("Bid 0.0003 ETH/kWh")
    bob.page.evaluate("window.dispatchEvent(new Event('offline'))")  # it hears nothing any more
    send(world, CAROL, "placeBid", started, 250 * GWEI, TERMS)
    bob.press("Bid 0.0003")

    bob.sees("Somebody was faster. The next bid may be 0.0002475 ETH/kWh at most.")
    assert "eth_sendTransaction" not in bob.wallet.asked


def test_who_says_no_has_lost_nothing_and_may_try_again(alice):
    alice.wallet.says_no = True
    fill_in(alice)
    sheet = alice.page.get_by_role("dialog")
    sheet.get_by_role("button", name=ASKS).click()
    alice.sees("You said no. Nothing happened.")

    alice.wallet.says_no = False
    alice.press("Try again")
    alice.confirms(ASKS, "Your request is open.")


def test_on_another_chain_nothing_is_sent_until_the_wallet_follows(alice):
    alice.wallet.chain_id = 137
    alice.wallet.follows = False
    fill_in(alice)
    alice.page.get_by_role("dialog").get_by_role("button", name=ASKS).click()
    alice.sees("Your wallet is on another chain. Nothing was sent.")
    alice.sees("Your wallet is on chain 137. This market is on chain 31337.")
    assert "eth_sendTransaction" not in alice.wallet.asked

    alice.page.get_by_role("dialog").get_by_role("button", name="Switch").click()
    alice.wallet.follows = True
    alice.page.get_by_role("dialog").get_by_role("button", name="Switch").click()
    alice.confirms(ASKS, "Your request is open.")


def test_an_account_that_is_no_ev_is_told_whom_to_ask(new_phone, world):
    world.node.set_balance(STRANGER, 10**18)
    stranger = new_phone(STRANGER).connect()

    stranger.sees("Your account is not a car here yet.")
    fill_in(stranger)
    stranger.sees("is not registered here. Ask the market")


def test_a_cancellation_says_its_price_and_frees_the_rest(alice, world):
    ask(alice)
    started = auction_of(world)
    send(world, BOB, "placeBid", started, 250 * GWEI, TERMS)
    alice.press("Cancel, costs 0.0006 ETH")
    alice.confirms("Cancel for 0.0006 ETH", "Your request is cancelled.")
    alice.go("Wallet")
    alice.sees("0.9994 ETH")


TEXTS = [
    "<img src=x onerror=\"window.hurt='%s'\">",
    "<script>window.hurt='%s'</script>",
    "javascript:window.hurt='%s'//",
    "\N{RIGHT-TO-LEFT OVERRIDE}%s",
]


def test_no_text_of_the_chain_becomes_code(world, alice):
    """Labels of EVs, details of auctions, and their notes: anybody may write anything there."""
    for number, text in enumerate(TEXTS):
        account = f"0x{0xE6 << 152 | number:040x}"
        world.node.set_balance(account, 10**18)
        send(world, ORGANIZATION, "addEV", account, text % "label")
        send(world, account, "deposit", value=10**17)
        terms = (20_000, 300 * GWEI, 600, 7_200, False, text % "details")
        send(world, account, "startAuction", *terms)
    alice.go("Earn")
    for text in TEXTS[:3]:
        alice.sees(text % "label")
        alice.sees(text % "details")
    alice.page.get_by_role("link", name=re.compile("img src")).first.click()
    alice.page.get_by_text("Exact numbers").click()

    assert alice.page.evaluate("window.hurt ?? null") is None
    assert alice.page.locator("main img, main script").count() == 0
    assert "\N{RIGHT-TO-LEFT OVERRIDE}" not in alice.page.content()
    assert alice.complaints == []


def test_the_policy_refuses_text_that_would_become_code(alice):
    """Were the page to make this mistake, the browser would not."""
    found = alice.page.evaluate("""() => {
        try { document.querySelector('main').innerHTML = '<b>x</b>'; return 'done' }
        catch (error) { return error.name }
    }""")

    assert found == "TypeError"


def test_a_page_asks_nobody_but_its_service(alice, url):
    ask(alice)

    assert alice.hosts == {url.split("/")[2]}


# --- What becomes of a transaction that is in no block yet


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({}, "Done, with the higher fee"),
        ({"to": ALICE, "data": "0x", "value": "0x0"}, "You cancelled it. Nothing happened."),
        ({"to": BOB, "data": "0x", "value": "0x1"}, "Another transaction took its place."),
    ],
    ids=["repriced", "cancelled", "replaced"],
)
def test_what_took_the_place_of_a_transaction_is_told_apart(alice, node, change, said):
    node.request("evm_setAutomine", False)
    fill_in(alice)
    sheet = alice.page.get_by_role("dialog")
    sheet.get_by_role("button", name=ASKS).click()
    alice.sees("Sent. It comes with one of the next blocks.")
    (first,) = alice.wallet.sent

    again = {**first, "gasPrice": hex(GWEI), "gas": GAS, "nonce": NONCE, **change}
    node.request("eth_sendTransaction", again)
    node.request("evm_mine")

    alice.sees(said)


def test_what_was_sent_is_followed_when_the_page_is_opened_again(alice, node):
    node.request("evm_setAutomine", False)
    fill_in(alice)
    alice.page.get_by_role("dialog").get_by_role("button", name=ASKS).click()
    alice.sees("Sent. It comes with one of the next blocks.")

    alice.page.reload()
    alice.sees("Ask for 20 kWh, at most 0.0003 ETH/kWh")
    node.request("evm_mine")
    alice.sees("No bid yet")


# --- What people type, and in which language


def test_numbers_are_read_as_python_reads_them_or_not_at_all(alice):
    for typed, rate in {
        "0.0003": "0.0003 ether/kWh",
        "0,00025": "0.00025 ether/kWh",
        " 1 000,5 ": "1000.5 ether/kWh",
        "1.234,5": "1234.5 ether/kWh",
        "0.123": "0.123 ether/kWh",
    }.items():
        alice.fill("At most, per kWh", typed)
        value = Rate.parse(rate).to("ether/kWh")
        alice.sees(re.compile(rf"^= {value:,f} ETH/kWh$"))
    for typed, said in {
        "1.000": "Is this 1.0000 or 1000?",
        "0.0000000000000001": "Too fine: at most 15 digits",
        "0": "More than 0, please.",
        "3e5": "This is no number.",
        "1.2.3": "This is no number.",
        "99999999": "Too much: at most",
    }.items():
        alice.fill("At most, per kWh", typed)
        alice.sees(said)
        expect(alice.page.get_by_role("button", name="Ask")).to_be_disabled()


def test_what_this_is_can_be_read_before_any_script_runs(new_phone):
    phone = new_phone(java_script_enabled=False)
    phone.sees("Ask for energy: cars near you bid, the lowest wins.")


def test_a_phone_that_speaks_german_is_spoken_to_in_german(new_phone):
    alice = new_phone(ALICE, locale="de-DE")
    alice.connect("Verbinden")
    alice.fill("Höchstens, je kWh", "0,0003")
    alice.press("Anfragen")
    alice.confirms("0,006 ETH sperren und anfragen", "Deine Anfrage ist offen.", close="Schließen")
    alice.go("Konto")
    alice.page.get_by_label("Sprache").select_option("en")
    alice.sees("Withdraw all")
