// SPDX-License-Identifier: MIT
pragma solidity ^0.8.37;

import {ILedger} from "../IMarket.sol";
import {AccountSlot} from "./AccountSlot.sol";
import {Accounts} from "./Accounts.sol";

/// @title Ledger: balances, whatever the currency
/// @dev Auctions and connections only call `_credit` and `_debit`. Money leaves in `withdraw` and nowhere else, after
/// the books are right, so no receiver can block or re-enter anybody's action.
abstract contract Ledger is Accounts, ILedger {
    /// @inheritdoc ILedger
    function withdraw(uint256 amount, address to) external {
        if (amount == 0) revert ZeroAmount();
        if (to == _BURNT) revert InvalidReceiver(to);

        _debit(msg.sender, _accounts[msg.sender], amount);
        emit Withdrawn(msg.sender, to, amount);
        _send(to, amount);
    }

    /// @dev Enters money that the market has received from `msg.sender`.
    function _deposit(address account, uint128 amount) internal {
        if (amount == 0) revert ZeroAmount();

        _credit(account, amount);
        emit Deposited(account, msg.sender, amount);
    }

    function _credit(address account, uint256 amount) internal {
        _credit(account, amount, 0);
    }

    /// @dev Credits an account and adds to its counts: `COMPLETED`, `NO_SHOW` or nothing.
    /// `amount` was debited before, or deposited: it fits, as do all balances together.
    function _credit(address account, uint256 amount, uint256 count) internal {
        AccountSlot record = _accounts[account];
        _accounts[account] = record.withBalance(record.balance() + uint128(amount)).counted(count);
    }

    /// @dev Takes the stake of a registered EV out of its balance.
    function _lock(address ev, uint256 amount) internal {
        AccountSlot record = _accounts[ev];
        // slither-disable-next-line incorrect-equality (nobody can change it but the organization)
        if (record.addedAt() == 0) revert NotEV(ev);
        _debit(ev, record, amount);
    }

    function _debit(address account, AccountSlot record, uint256 amount) internal {
        uint128 balance = record.balance();
        if (balance < amount) revert BalanceTooLow(account, uint256(balance), amount);
        _accounts[account] = record.withBalance(balance - uint128(amount));
    }

    /// @dev Credits the caller with what a payable call brought along, if anything.
    function _creditPayment() internal virtual;

    /// @dev Hands over `amount` of the currency, or reverts.
    function _send(address account, uint256 amount) internal virtual;
}
