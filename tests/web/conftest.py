"""Phones: a real browser on the real service over a real chain, each with a wallet of its own."""

import json
from contextlib import contextmanager

import pytest
from playwright.sync_api import expect, sync_playwright

from ape_v2v.chain.node import Node
from ape_v2v.evm.node import AnvilChain
from ape_v2v.market.market import Market
from ape_v2v.service import page
from tests.helpers.world import ALICE, BOB, World
from tests.service.conftest import serving_market
from toolchain.browser import MISSING, installed_browser

PATIENCE = 20_000  # milliseconds
SIZE = {"width": 390, "height": 844}
REJECTED = 4_001

expect.set_options(timeout=PATIENCE)

# A wallet as EIP-6963 has it: what it is asked goes to the test, which answers with the chain.
WALLET = """
() => {
  const listeners = {}
  window.wallet = { emit: (name, value) => (listeners[name] ?? []).forEach((one) => one(value)) }
  const provider = {
    request: async (call) => {
      const { result, error, isAnswered = true } = await window.askWallet(call)
      if (!isAnswered) {
        document.body.classList.add('asks')
        await new Promise(() => {})
      }
      if (error) throw Object.assign(new Error(error.message), { code: error.code })
      return result
    },
    on: (name, handle) => (listeners[name] ??= []).push(handle),
  }
  const icon = 'data:image/png;base64,'
  const info = { uuid: 'test', name: 'Wallet of the test', icon, rdns: 'test' }
  const announce = () => window.dispatchEvent(
    new CustomEvent('eip6963:announceProvider', { detail: Object.freeze({ info, provider }) }))
  window.addEventListener('eip6963:requestProvider', announce)
  announce()
}
"""


@pytest.fixture(scope="session")
def browser_path():
    """An installed Chromium or Chrome."""
    return installed_browser() or pytest.skip(MISSING)


@pytest.fixture(scope="module")
def browser(browser_path):
    if not page.BUILT.exists():
        pytest.skip("the page is not built: `make setup` does it")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=browser_path, args=["--no-sandbox"])
        yield browser
        browser.close()


class PhoneWallet:
    """What a wallet does for its owner, who may say no, or be on another chain."""

    def __init__(self, node, account):
        self.node = node
        self.account = account
        self.chain_id = node.chain_id
        self.says_no = False
        self.follows = True
        """Whether it goes to another chain when it is asked to."""
        self.is_slow = False
        """Whether its owner has been shown something to sign, and has not answered yet."""
        self.held: list[dict[str, str]] = []
        self.asked: list[str] = []
        """The methods, and what it was given to send."""
        self.sent: list[dict[str, str]] = []

    def signed(self, account, data):
        """What it signs: the node has the key."""
        return self.node.request("eth_signTypedData_v4", account, json.loads(data))

    def send(self, transaction):
        self.sent.append(transaction)
        return self.node.request("eth_sendTransaction", transaction | {"gasPrice": "0x0"})

    def answer(self, call):  # noqa: PLR0911 - one for each question
        self.asked.append(call["method"])
        match call["method"]:
            case "eth_requestAccounts" | "eth_accounts":
                return {"result": [self.account.lower()]}
            case "eth_chainId":
                return {"result": hex(self.chain_id)}
            case "wallet_switchEthereumChain":
                if self.follows:
                    self.chain_id = int(call["params"][0]["chainId"], 16)
                return {"result": None}
            case "eth_sendTransaction" | "eth_signTypedData_v4" if self.says_no:
                return {"error": {"code": REJECTED, "message": "User rejected the request."}}
            case "eth_sendTransaction" if self.is_slow:
                self.held += call["params"]
                return {"isAnswered": False}
            case "eth_sendTransaction":
                return {"result": self.send(call["params"][0])}
            case "eth_signTypedData_v4":
                return {"result": self.signed(*call["params"])}
        return {"error": {"code": 4_200, "message": "not supported"}}


class NodeOfTheTests:
    """The node of the test session, as a phone's wallet asks one: it has its accounts' keys."""

    def __init__(self, provider):
        self._provider = provider
        self.chain_id = provider.chain_id

    def request(self, method, *parameters):
        return self._provider.make_request(method, list(parameters))


class Phone:
    """A page on a phone, connected with its wallet, and what is to be seen of it."""

    def __init__(self, context, url, wallet):
        self.wallet = wallet
        self.url = url
        self.complaints: list[str] = []
        """What the browser's console has to say: of a policy that was broken, say."""
        self.hosts: set[str] = set()
        self._context = context
        context.expose_binding("askWallet", lambda _, call: wallet.answer(call))
        context.add_init_script(f"({WALLET})()")
        self.open()

    def open(self):
        """A page of this browser's, with all that was kept."""
        self.page = self._context.new_page()
        self.page.on("console", self._heard)
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("request", lambda request: self.hosts.add(request.url.split("/")[2]))
        self.page.goto(self.url)

    def _heard(self, message):
        if message.type in ("error", "warning"):
            self.complaints.append(message.text)

    def connect(self, name="Connect"):
        self.press(name)
        self.press("Wallet of the test")
        expect(self.page.get_by_role("dialog")).to_have_count(0)
        return self

    def go(self, tab):
        self.page.get_by_role("link", name=tab, exact=True).click()

    def press(self, name):
        self.page.get_by_role("button", name=name).first.click()

    def fill(self, label, text):
        self.page.get_by_label(label).fill(text)

    def sees(self, text):
        expect(self.page.get_by_text(text).first).to_be_visible()

    def does_not_see(self, text):
        expect(self.page.get_by_text(text)).to_have_count(0)

    def has_asked_its_wallet(self):
        """Wait until the wallet has something to sign, which it keeps to itself."""
        expect(self.page.locator("body.asks")).to_have_count(1)

    def confirms(self, name, outcome, close="Close"):
        """Press what the sheet offers, and see what has become of it."""
        sheet = self.page.get_by_role("dialog")
        sheet.get_by_role("button", name=name).click()
        expect(sheet.get_by_text(outcome)).to_be_visible()
        sheet.get_by_role("button", name=close).last.click()
        expect(sheet).to_have_count(0)


@pytest.fixture
def node():
    with AnvilChain() as node:
        yield node


@pytest.fixture
def world(node):
    return World(node)


@pytest.fixture
def url(world):
    with serving_market(Market.at(world.address, Node(world.node.url)), requests=100_000) as client:
        yield str(client.base_url)


@contextmanager
def phones(browser, node, url):
    """A factory of phones, which are put away in the end."""
    contexts = []

    def new_phone(account=ALICE, **options):
        context = browser.new_context(**{"viewport": SIZE, "locale": "en-GB", **options})
        context.set_default_timeout(PATIENCE)
        contexts.append(context)
        return Phone(context, url, PhoneWallet(node, account))

    yield new_phone
    for context in contexts:
        context.close()


@pytest.fixture
def new_phone(browser, node, url):
    """A factory of phones."""
    with phones(browser, node, url) as new_phone:
        yield new_phone


@pytest.fixture
def alice(new_phone):
    return new_phone(ALICE).connect()


@pytest.fixture
def bob(new_phone):
    return new_phone(BOB).connect()


@pytest.fixture
def pass_time(node):
    """Let time pass on the chain."""

    def pass_time(seconds):
        node.request("evm_increaseTime", seconds)
        node.request("evm_mine")

    return pass_time
