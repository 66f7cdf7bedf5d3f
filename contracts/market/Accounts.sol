// SPDX-License-Identifier: MIT
pragma solidity ^0.8.37;

import {Account, IAccounts} from "../IMarket.sol";
import {AccountSlot} from "./AccountSlot.sol";

/// @title Accounts: what the registry and the ledger share, one slot an account
/// @dev Balance and registration stand in one slot, so that a registered EV's emptied balance is no fresh slot when it
/// is filled again, and a bid checks the registration and locks the bond with one access.
abstract contract Accounts is IAccounts {
    /// @dev Nobody holds its key and it can never be registered: what is credited to it is burnt.
    address internal constant _BURNT = address(0);

    /// @dev Slot 2 of a market.
    mapping(address account => AccountSlot) internal _accounts;

    /// @inheritdoc IAccounts
    function isEV(address account) public view returns (bool) {
        return _accounts[account].addedAt() != 0;
    }

    /// @inheritdoc IAccounts
    function evs(address account) external view returns (Account memory) {
        AccountSlot record = _accounts[account];
        return Account({
            balance: record.balance(),
            addedAt: record.addedAt(),
            completed: record.completed(),
            noShows: record.noShows(),
            revocations: record.revocations()
        });
    }

    function _requireEV(address account) internal view {
        if (!isEV(account)) revert NotEV(account);
    }
}
