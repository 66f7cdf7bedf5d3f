"""A market on a chain of its own, what its people do, and what the chain's receipts say of it."""

from __future__ import annotations

from datetime import UTC, datetime

import ape

from ape_v2v.evm.chains import EmittedLog
from ape_v2v.evm.contracts import Interface
from ape_v2v.market.interface import contract as artifact
from ape_v2v.market.interface.parameters import Parameters

PEOPLE = [f"0x{0xE5 << 152 | number:040x}" for number in range(5)]
ORGANIZATION, ALICE, BOB, CAROL, DAVE = PEOPLE
STRANGER = f"0x{0xE5 << 152 | 5:040x}"
GWEI = 10**9
FUNDS = 10**18
ENERGY, MAX_RATE, BIDDING_TIME, VALIDITY = 20_000, 300 * GWEI, 600, 7_200
TERMS = ENERGY | MAX_RATE << 32 | VALIDITY << 96
PENALTY = ENERGY * MAX_RATE // 10
GAP = 3  # blocks without an event, between two trades


class World:
    """A market on a chain, and what its people do."""

    def __init__(self, node):
        self.node = node
        self.interface = Interface(artifact.contract_type())
        for account in PEOPLE:
            node.set_balance(account, 10 * FUNDS)
        code = self.interface.creation_code(ORGANIZATION, Parameters().as_tuple())
        self.address = ape.convert(node.deploy(ORGANIZATION, code), ape.types.AddressType)
        self.send(ORGANIZATION, "addEVs", [ALICE, BOB, CAROL, DAVE], ["Alice's EV", "", "", ""])
        for ev in (ALICE, BOB, CAROL, DAVE):
            self.send(ev, "deposit", value=FUNDS)

    def send(self, sender, method, *arguments, value=0):
        data = self.interface.call_data(method, *arguments)
        self.send_raw(sender, data, value)

    def send_raw(self, sender, data, value=0):
        self.node.timestamp += 1
        receipt = self.node.transact(sender, self.address, data, value)
        assert receipt.success, self.interface.failure(receipt.output)

    def start(self, consumer=ALICE, details=""):
        self.send(
            consumer, "startAuction", ENERGY, MAX_RATE, BIDDING_TIME, VALIDITY, False, details
        )
        data = self.interface.call_data("currentAuctionId", consumer)
        return self.interface.output("currentAuctionId", 1, self.node.call(self.address, data))

    def connect(self, consumer=ALICE):
        """Bob bids 200 gwei/Wh, Carol 150, and Carol wins."""
        started = self.start(consumer)
        self.send(BOB, "placeBid", started, 200 * GWEI, TERMS)
        self.send(CAROL, "placeBid", started, 150 * GWEI, TERMS)
        self.node.timestamp += BIDDING_TIME
        self.send(consumer, "endAuction", started)
        return started

    def trade(self, times=1):
        for _ in range(times):
            started = self.connect()
            self.send(ALICE, "endConnection", started)
            self.node.request("anvil_mine", hex(GAP))

    @property
    def height(self):
        return int(self.node.request("eth_blockNumber"), 16)

    @property
    def receipts(self):
        """Every event by the receipts: its place on the chain, its name and its values."""
        found = []
        for number in range(self.height + 1):
            block = self.node.request("eth_getBlockByNumber", hex(number), False)
            for transaction in block["transactions"]:
                receipt = self.node.request("eth_getTransactionReceipt", transaction)
                for log in receipt["logs"]:
                    if log["address"].lower() != self.address.lower():
                        continue
                    words = tuple(bytes.fromhex(topic[2:]) for topic in log["topics"])
                    data = bytes.fromhex(log["data"][2:])
                    (event,) = self.interface.events([EmittedLog(self.address, words, data)])
                    place = number, block["hash"], transaction, int(log["logIndex"], 16)
                    time = datetime.fromtimestamp(int(block["timestamp"], 16), UTC)
                    found.append((*place, time, event.name, event.values))
        return found


def as_receipts(events):
    """Events as `World.receipts` has them."""
    return [
        (
            event.block,
            event.block_hash,
            event.transaction,
            event.log_index,
            event.timestamp,
            event.name,
            tuple(_lower(value) for value in event.args.values()),
        )
        for event in events
    ]


def _lower(value):
    is_address = isinstance(value, str) and value.startswith("0x")
    return value.lower() if is_address else value
