"""Ape's own py-evm provider (`ethereum:local:test`), with what the tests ask of a chain beside it.

Anvil tells why a call reverts, proves storage, and changes balances, storage and code at will.
Here that is done with py-evm's own state; what contracts do is py-evm's from first to last.
"""

from __future__ import annotations

from ast import literal_eval
from typing import TYPE_CHECKING, Any

import ape
from ape_test.provider import ApeTester, LocalProvider
from eth_tester.backends.pyevm import main
from eth_tester.exceptions import TransactionFailed
from eth_utils.address import to_canonical_address
from eth_utils.conversions import to_bytes, to_hex
from hexbytes import HexBytes
from web3.exceptions import ContractCustomError

if TYPE_CHECKING:
    from collections.abc import Callable

    import pytest


_CREATION = "a creation's revert is the tester's own error"
_SECOND = "py-evm makes no two blocks in the same second"
_FOREIGN = "Ape's provider knows errors of the called contract only, not of a token that it calls"
BEYOND = {
    "test_a_bond_above_its_type_is_refused": _CREATION,
    "test_consumer_starts_an_auction": "what a transaction returned is in traces, which it has not",
    "test_extended_auction_ends_at_its_new_close_and_the_award_window_begins_there": _SECOND,
    "test_nobody_else_can_cancel_before_the_award_window_has_passed": _SECOND,
    "test_removed_bid_in_the_second_it_was_placed_leaves_the_close_where_it_was": _SECOND,
    "test_shortest_auction_takes_a_bid_in_the_second_it_starts": _SECOND,
    "test_removals_do_not_start_from_zero_again": "Ape words a panic otherwise there",
    "test_rounds_do_not_start_from_zero_again": "Ape words a panic otherwise there",
    "test_a_token_too_coarse_for_a_price_of_energy_is_refused": _CREATION,
    "test_an_authorization_has_its_time": _FOREIGN,
    "test_an_authorization_is_used_once": _FOREIGN,
    "test_no_more_is_taken_than_was_authorized": _FOREIGN,
    "test_nobody_sends_an_authorization_past_the_market": _FOREIGN,
    "test_tokens_that_are_not_there_are_not_credited": _FOREIGN,
    "test_tokens_that_the_market_may_not_take_are_not_credited": _FOREIGN,
    "test_what_is_no_token_is_no_currency": _CREATION,
    "test_what_was_authorized_for_another_market_is_not_taken": _FOREIGN,
}
"""Tests of what Anvil does beside executing contracts, and why they cannot run here."""


def complete(monkeypatch: pytest.MonkeyPatch) -> None:
    """Give the provider what it lacks."""
    answer = ApeTester.make_request
    # As web3's errors have it; here a revert without data ends its message with b''.
    without_data = property(lambda error: "0x" if str(error).endswith("b''") else str(error))
    monkeypatch.setattr(TransactionFailed, "data", without_data, raising=False)

    def make_request(tester: ApeTester, method: Any, parameters: Any) -> Any:
        if method == "eth_getProof":
            account = _account(tester.backend.chain, parameters[0])
            result = {
                "balance": to_hex(account.balance),
                "codeHash": to_hex(account.code_hash),
                "nonce": to_hex(account.nonce),
                "storageHash": to_hex(account.storage_root),
            }
            return {"jsonrpc": "2.0", "id": 1, "result": result}
        try:
            return answer(tester, method, parameters)
        except TransactionFailed as error:  # the data is in the text, as Python writes bytes
            data = str(to_hex(literal_eval(str(error).removeprefix("execution reverted: "))))
            if data == "0x":
                raise
            raise ContractCustomError(data, data=data) from error

    monkeypatch.setattr(ApeTester, "make_request", make_request)
    for name, change in (
        ("set_balance", lambda state, address, amount: state.set_balance(address, amount)),
        ("set_code", lambda state, address, code: state.set_code(address, bytes(HexBytes(code)))),
        ("set_storage", _set_storage),
    ):
        monkeypatch.setattr(LocalProvider, name, _edit(change))
    # Gas is free, as on Anvil: half-empty blocks leave a base fee of nothing as it is.
    genesis = main.get_default_genesis_params
    monkeypatch.setattr(
        main,
        "get_default_genesis_params",
        lambda overrides=None: genesis(overrides) | {"base_fee_per_gas": 0},
    )
    ape.chain.provider.update_settings({})  # begins anew, with all of this


def _account(chain: Any, address: str) -> Any:
    database = chain.get_vm().state._account_db
    return database._get_account(to_canonical_address(address))


def _set_storage(state: Any, address: bytes, slot: int, value: Any) -> None:
    state.set_storage(address, slot, int.from_bytes(to_bytes(HexBytes(value)), "big"))


def _edit(change: Callable[..., None]) -> Callable[..., bool]:
    """Change the state of the pending block, and mine it."""

    def edit(provider: LocalProvider, address: str, *values: Any) -> bool:
        chain: Any = provider.evm_backend.chain
        vm = chain.get_vm()
        change(vm.state, to_canonical_address(address), *values)
        vm.state.persist()
        chain.header = chain.header.copy(state_root=vm.state.state_root)
        provider.mine()
        return True

    return edit
