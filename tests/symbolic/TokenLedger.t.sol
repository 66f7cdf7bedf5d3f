// SPDX-License-Identifier: MIT
pragma solidity ^0.8.37;

import {AccountSlot} from "../../contracts/market/AccountSlot.sol";
import {TokenLedger} from "../../contracts/market/TokenLedger.sol";
import {Symbolic} from "./Symbolic.sol";

/// @dev A token that answers anything: a balance before a transfer, another one after it, and yes or no.
contract AnyToken {
    uint256 private _held;
    uint256 private _later;
    bool private _answer;

    function answers(uint256 before, uint256 later, bool answer) external {
        (_held, _later, _answer) = (before, later, answer);
    }

    function decimals() external pure returns (uint8) {
        return 6;
    }

    function balanceOf(address) external view returns (uint256) {
        return _held;
    }

    function transfer(address, uint256) external returns (bool) {
        _held = _later;
        return _answer;
    }

    function transferFrom(address, address, uint256) external returns (bool) {
        _held = _later;
        return _answer;
    }

    function receiveWithAuthorization(address, address, uint256, uint256, uint256, bytes32, uint8, bytes32, bytes32)
        external
    {
        _held = _later;
    }
}

/// @dev The currency room alone, its accounts from outside.
contract OpenTokenLedger is TokenLedger {
    bytes32 private constant _SIGNED =
        keccak256("Withdrawal(uint256 amount,address to,uint256 nonce,uint256 deadline)");

    constructor(address token) TokenLedger(token) {}

    function write(address account, uint256 packed) external {
        _accounts[account] = AccountSlot.wrap(packed);
    }

    function read(address account) external view returns (uint256) {
        return AccountSlot.unwrap(_accounts[account]);
    }

    function digest(uint256 amount, address to, uint256 sequence, uint256 deadline) external view returns (bytes32) {
        return _hashTypedDataV4(keccak256(abi.encode(_SIGNED, amount, to, sequence, deadline)));
    }
}

/// @dev What the checks and the false ones have in common: a ledger in a token that answers anything.
abstract contract InAnyToken is Symbolic {
    uint256 internal constant MOST = type(uint128).max;

    AnyToken internal _token;
    OpenTokenLedger internal _ledger;

    function setUp() public {
        _token = new AnyToken();
        _ledger = new OpenTokenLedger(address(_token));
    }

    function _deposited(address sender, uint256 amount) internal returns (bool success) {
        vm.prank(sender);
        (success,) = address(_ledger).call(abi.encodeCall(_ledger.deposit, (amount)));
    }
}

/// @title The token's currency room: for all accounts, all amounts, and whatever the token answers
contract TokenLedgerTest is InAnyToken {
    struct Answers {
        uint256 before;
        uint256 later;
        bool yes;
    }

    function check_what_is_credited_has_arrived_and_fits(
        address sender,
        uint256 packed,
        uint256 amount,
        Answers memory token
    ) external {
        _set(sender, packed, token);
        vm.assume(_deposited(sender, amount));

        _assertArrived(amount, token);
        assert(token.yes);
        _assertCredited(sender, packed, amount);
    }

    function check_a_deposit_changes_nobody_elses_account(
        address sender,
        address other,
        uint256 packed,
        uint256 amount,
        Answers memory token
    ) external {
        vm.assume(sender != other);
        _set(other, packed, token);
        vm.assume(_deposited(sender, amount));

        assert(_ledger.read(other) == packed);
    }

    function check_a_deposit_for_an_ev_is_its_own(
        address sender,
        address ev,
        uint256 packed,
        uint256 amount,
        Answers memory token
    ) external {
        vm.assume(sender != ev);
        _set(ev, packed, token);
        vm.prank(sender);
        _ledger.depositFor(ev, amount);

        assert(AccountSlot.wrap(packed).addedAt() != 0);
        _assertArrived(amount, token);
        _assertCredited(ev, packed, amount);
        assert(_ledger.read(sender) == 0);
    }

    function check_a_deposit_by_authorization_is_of_who_signed(
        address sender,
        address from,
        uint256 packed,
        uint256 amount,
        Answers memory token
    ) external {
        vm.assume(sender != from);
        _set(from, packed, token);
        vm.prank(sender);
        _ledger.depositWithAuthorization(from, amount, 0, 0, 0, 0, 0, 0);

        _assertArrived(amount, token);
        _assertCredited(from, packed, amount);
        assert(_ledger.read(sender) == 0);
    }

    function check_a_withdrawal_takes_what_leaves_from_who_asks(
        address sender,
        address to,
        uint256 packed,
        uint256 amount,
        Answers memory token
    ) external {
        _set(sender, packed, token);
        vm.prank(sender);
        _ledger.withdraw(amount, to);

        assert(to != address(0));
        _assertLeft(amount, token);
        _assertDebited(packed, _ledger.read(sender), amount);
    }

    function check_a_withdrawal_changes_nobody_elses_account(
        address sender,
        address other,
        address to,
        uint128 balance,
        uint256 packed,
        uint256 amount,
        Answers memory token
    ) external {
        vm.assume(sender != other);
        _set(other, packed, token);
        _ledger.write(sender, balance);
        vm.prank(sender);
        _ledger.withdraw(amount, to);

        assert(_ledger.read(other) == packed);
    }

    function check_a_signed_withdrawal_is_in_time_signed_and_counted(
        address account,
        uint256 packed,
        uint256 amount,
        address to,
        uint256 deadline,
        uint64 time,
        Answers memory token
    ) external {
        _set(account, packed, token);
        uint256 sequence = AccountSlot.wrap(packed).revocations();
        vm.assume(sequence < type(uint24).max);
        vm.warp(time);
        bytes32 r = keccak256("r");
        bytes32 s = bytes32(uint256(7));
        _ledger.withdrawFor(account, amount, to, deadline, abi.encodePacked(r, s, uint8(27)));

        assert(time <= deadline && to != address(0));
        assert(ecrecover(_ledger.digest(amount, to, sequence, deadline), 27, r, s) == account);
        _assertLeft(amount, token);
        uint256 now_ = _ledger.read(account);
        assert(AccountSlot.wrap(now_).revocations() == sequence + 1);
        // But for the count, as any withdrawal.
        unchecked {
            _assertDebited(packed, now_ - (1 << 232), amount);
        }
    }

    function check_a_signed_withdrawal_changes_nobody_elses_account(
        address account,
        address other,
        address sender,
        uint128 balance,
        uint256 packed,
        uint256 amount,
        address to,
        Answers memory token
    ) external {
        vm.assume(account != other);
        _set(other, packed, token);
        _ledger.write(account, balance);
        vm.prank(sender);
        _ledger.withdrawFor(
            account, amount, to, type(uint256).max, abi.encodePacked(keccak256("r"), uint256(7), uint8(27))
        );

        assert(_ledger.read(other) == packed);
    }

    function _set(address account, uint256 packed, Answers memory token) private {
        _ledger.write(account, packed);
        _token.answers(token.before, token.later, token.yes);
    }

    function _assertArrived(uint256 amount, Answers memory token) private pure {
        assert(amount > 0 && token.later <= MOST);
        assert(token.later >= token.before);
        unchecked {
            assert(token.later - token.before == amount);
        }
    }

    function _assertLeft(uint256 amount, Answers memory token) private pure {
        assert(amount > 0 && token.yes);
        assert(token.before >= token.later);
        unchecked {
            assert(token.before - token.later == amount);
        }
    }

    /// @dev By all of it, and nothing else in the account's slot.
    function _assertCredited(address account, uint256 packed, uint256 amount) private view {
        uint256 now_ = _ledger.read(account);
        assert(now_ >> 128 == packed >> 128);
        unchecked {
            assert(uint256(uint128(now_)) == uint256(uint128(packed)) + amount);
        }
    }

    function _assertDebited(uint256 packed, uint256 now_, uint256 amount) private pure {
        assert(now_ >> 128 == packed >> 128);
        unchecked {
            assert(uint256(uint128(packed)) == uint256(uint128(now_)) + amount);
        }
    }
}

/// @title What is wrong, and has to be refuted
contract FalseTokenLedgerTest is InAnyToken {
    function check_a_market_is_never_full(address sender, uint256 amount, uint256 before, uint256 later) external {
        _token.answers(before, later, true);
        vm.assume(_deposited(sender, amount));

        assert(later < MOST);
    }

    // What the checks say of a call that succeeds would say nothing if none did.

    function check_nobody_is_paid(address sender, address to, uint128 balance, uint256 before, uint256 later)
        external
    {
        _ledger.write(sender, balance);
        _token.answers(before, later, true);
        vm.prank(sender);
        _ledger.withdraw(1, to);

        assert(false);
    }

    function check_nobody_is_paid_by_signature(
        address account,
        address to,
        uint128 balance,
        uint256 before,
        uint256 later
    ) external {
        _ledger.write(account, balance);
        _token.answers(before, later, true);
        _ledger.withdrawFor(
            account, 1, to, type(uint256).max, abi.encodePacked(keccak256("r"), uint256(7), uint8(27))
        );

        assert(false);
    }

    function check_nobody_pays_for_an_ev(address ev, uint256 packed, uint256 before, uint256 later) external {
        _ledger.write(ev, packed);
        _token.answers(before, later, true);
        _ledger.depositFor(ev, 1);

        assert(false);
    }

    function check_nobody_pays_by_authorization(address from, uint256 before, uint256 later) external {
        _token.answers(before, later, true);
        _ledger.depositWithAuthorization(from, 1, 0, 0, 0, 0, 0, 0);

        assert(false);
    }
}
