"""What goes otherwise than wished: each time the page says what is, and nothing is lost."""

import re

from tests.helpers.world import ALICE, BOB, CAROL, GWEI, ORGANIZATION, STRANGER, TERMS

GAS = hex(1_000_000)
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
