"""A beacon chain in front of Anvil: its committees sign the blocks that Anvil has made."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from eth_utils.hexadecimal import decode_hex

from tests.lightnode.beacon.chain import Chain, network
from tests.lightnode.beacon.node import Served

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.lightnode.beacon.chain import Block

_FIELDS = {
    "parent_hash": "parentHash",
    "fee_recipient": "miner",
    "state_root": "stateRoot",
    "receipts_root": "receiptsRoot",
    "logs_bloom": "logsBloom",
    "prev_randao": "mixHash",
    "block_number": "number",
    "gas_limit": "gasLimit",
    "gas_used": "gasUsed",
    "timestamp": "timestamp",
    "extra_data": "extraData",
    "base_fee_per_gas": "baseFeePerGas",
    "block_hash": "hash",
    "transactions_root": "transactionsRoot",
    "withdrawals_root": "withdrawalsRoot",
    "blob_gas_used": "blobGasUsed",
    "excess_blob_gas": "excessBlobGas",
}
_NUMBERS = {
    "block_number",
    "gas_limit",
    "gas_used",
    "timestamp",
    "base_fee_per_gas",
    "blob_gas_used",
    "excess_blob_gas",
}
_PERIOD = 512  # epochs, so that a test ends in the one it begins in
_LENGTH = 8 * _PERIOD + 10  # slots, of a second each, until the first block of Anvil is signed
_ROOM = 120  # and so many until now, for those that are signed later


def execution(block: dict[str, Any]) -> dict[str, Any]:
    """The fields of an execution header, out of what a node says of a block."""
    return {
        name: int(block[said], 16) if name in _NUMBERS else decode_hex(block[said])
        for name, said in _FIELDS.items()
    }


class Garage:
    """A network whose execution layer is Anvil. `sign` has the committee sign its newest block."""

    def __init__(self, ask: Callable[..., Any], chain_id: int) -> None:
        self.network = network(
            chain_id=chain_id,
            genesis_time=int(time.time()) - _LENGTH - _ROOM,
            name="garage",
            seconds_per_slot=1,
            epochs_per_period=_PERIOD,
        )
        self.chain = Chain(self.network)
        self._ask = ask
        self.served = Served.until(self.chain, slot=_LENGTH)
        self.sign()

    def sign(self) -> Block:
        """Finalize Anvil's newest block, and have it signed as the head as well."""
        block = execution(self._ask("eth_getBlockByNumber", "latest", False))
        slot = max(self.chain.blocks) + 2
        finalized = self.chain.block(slot - 1, execution=block)
        newest = self.chain.block(slot, finalized, block)
        update = {
            f"{kind}_update": self.chain.update(newest, slot + 1, kind=f"{kind}_update")
            for kind in ("finality", "optimistic")
        }
        period = self.network.period(slot)
        updates = self.served.updates | {period: self.chain.update(newest, slot + 1)}
        made = replace(self.served, updates=updates, **update)
        vars(self.served).update(vars(made))
        return newest

    def settings(self, path: Path) -> Path:
        """Write what a beacon node would have in its settings."""
        lines = [
            "PRESET_BASE: minimal",
            f"CONFIG_NAME: {self.network.name}",
            f"DEPOSIT_CHAIN_ID: {self.network.chain_id}",
            f"GENESIS_TIME: {self.network.genesis_time}",
            f"GENESIS_VALIDATORS_ROOT: 0x{self.network.genesis_validators_root.hex()}",
            f"EPOCHS_PER_SYNC_COMMITTEE_PERIOD: {self.network.epochs_per_period}",
            f"SECONDS_PER_SLOT: {self.network.seconds_per_slot}",
        ]
        for fork in self.network.forks:
            name = fork.name.upper()
            lines.append(f"{name}_FORK_VERSION: 0x{fork.version.hex()}")
            lines.append(f"{name}_FORK_EPOCH: {fork.epoch}")
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")
        return path
