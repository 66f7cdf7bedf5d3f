// SPDX-License-Identifier: MIT
pragma solidity ^0.8.37;

/// @dev What is on record of one account:
///
///   bits      field
///     0-127   balance      units of the currency, free
///   128-167   addedAt      when the organization registered the EV; 0 when it is none
///   168-207   completed    connections ended in agreement, with energy delivered
///   208-231   noShows      connections expired
///   232-255   revocations  how often the account has revoked the bids that it had signed
type AccountSlot is uint256;

using AccountSlotLib for AccountSlot global;

/// @title What an account's slot holds
/// @dev Packed by hand for the same reason as the auction's slots. The counters are wider than what one account will
/// ever do on a chain, so that adding to them needs no check: one that reverts would lock money.
library AccountSlotLib {
    uint256 private constant _ADDED_AT = 128;
    uint256 private constant _COMPLETED_AT = 168;
    uint256 private constant _NO_SHOWS_AT = 208;
    uint256 private constant _REVOCATIONS_AT = 232;

    /// @dev One more of each, for `counted`.
    uint256 internal constant COMPLETED = 1 << _COMPLETED_AT;
    uint256 internal constant NO_SHOW = 1 << _NO_SHOWS_AT;
    uint256 internal constant REVOCATION = 1 << _REVOCATIONS_AT;

    function balance(AccountSlot account) internal pure returns (uint128) {
        return uint128(AccountSlot.unwrap(account));
    }

    function addedAt(AccountSlot account) internal pure returns (uint40) {
        return uint40(AccountSlot.unwrap(account) >> _ADDED_AT);
    }

    function completed(AccountSlot account) internal pure returns (uint40) {
        return uint40(AccountSlot.unwrap(account) >> _COMPLETED_AT);
    }

    function noShows(AccountSlot account) internal pure returns (uint24) {
        return uint24(AccountSlot.unwrap(account) >> _NO_SHOWS_AT);
    }

    function revocations(AccountSlot account) internal pure returns (uint24) {
        return uint24(AccountSlot.unwrap(account) >> _REVOCATIONS_AT);
    }

    function withBalance(AccountSlot account, uint128 balance_) internal pure returns (AccountSlot) {
        return AccountSlot.wrap(AccountSlot.unwrap(account) >> 128 << 128 | balance_);
    }

    function withAddedAt(AccountSlot account, uint40 addedAt_) internal pure returns (AccountSlot) {
        uint256 others = AccountSlot.unwrap(account) & ~(uint256(type(uint40).max) << _ADDED_AT);
        return AccountSlot.wrap(others | uint256(addedAt_) << _ADDED_AT);
    }

    function counted(AccountSlot account, uint256 count) internal pure returns (AccountSlot) {
        unchecked {
            return AccountSlot.wrap(AccountSlot.unwrap(account) + count);
        }
    }
}
