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


def complete(monkeypatch: pytest.MonkeyPatch) -> None:
    """Give the provider what it lacks."""
    answer = ApeTester.make_request

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
