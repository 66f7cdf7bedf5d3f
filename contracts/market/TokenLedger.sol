// SPDX-License-Identifier: MIT
pragma solidity ^0.8.37;

import {IERC3009} from "@openzeppelin/contracts/interfaces/draft-IERC3009.sol";
import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {IERC20Metadata} from "@openzeppelin/contracts/token/ERC20/extensions/IERC20Metadata.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";

import {IOpenBidding} from "../IMarket.sol";
import {ITokenLedger} from "../IV2VTokenMarket.sol";
import {AccountSlot, AccountSlotLib} from "./AccountSlot.sol";
import {Ledger} from "./Ledger.sol";
import {Signatures} from "./Signatures.sol";

/// @title Ledger in an ERC-20 token
/// @dev The books never say more than the market holds, whatever the token does in a transfer: both ways, what the
/// market holds has to change by exactly what is entered. A token that calls back in the middle could let one transfer
/// make good what another lacks, so only one goes on at a time.
abstract contract TokenLedger is Ledger, Signatures, ReentrancyGuardTransient, ITokenLedger {
    using SafeERC20 for IERC20;

    bytes32 private constant _WITHDRAWAL =
        keccak256("Withdrawal(uint256 amount,address to,uint256 nonce,uint256 deadline)");
    /// @dev With these a unit per Wh is a thousandth of the token per kWh.
    uint256 private constant _MIN_DECIMALS = 6;

    // slither-disable-next-line naming-convention (see Rules)
    IERC20 private immutable _CURRENCY;

    constructor(address currency_) {
        uint256 decimals = IERC20Metadata(currency_).decimals();
        if (decimals < _MIN_DECIMALS) revert TooFewDecimals(decimals, _MIN_DECIMALS);

        _CURRENCY = IERC20(currency_);
    }

    /// @inheritdoc ITokenLedger
    function deposit(uint256 amount) external {
        _take(msg.sender, amount);
    }

    /// @inheritdoc ITokenLedger
    function depositFor(address ev, uint256 amount) external {
        _requireEV(ev);
        _take(ev, amount);
    }

    /// @inheritdoc ITokenLedger
    // slither-disable-next-line reentrancy-benign (nothing is entered before it has arrived, and nothing twice)
    function depositWithAuthorization(
        address from,
        uint256 amount,
        uint256 validAfter,
        uint256 validBefore,
        bytes32 nonce,
        uint8 v,
        bytes32 r,
        bytes32 s
    ) external nonReentrant {
        uint256 before = _held();
        // The token itself looks at the payee, which is its caller, and at the signature. One that knows no such call
        // and takes it all the same has moved nothing.
        IERC3009(address(_CURRENCY))
            .receiveWithAuthorization(from, address(this), amount, validAfter, validBefore, nonce, v, r, s);
        _enter(from, from, amount, before);
    }

    /// @inheritdoc ITokenLedger
    function withdrawFor(address account, uint256 amount, address to, uint256 deadline, bytes calldata signature)
        external
    {
        if (amount == 0) revert ZeroAmount();
        if (to == _BURNT) revert InvalidReceiver(to);
        // slither-disable-next-line timestamp (the signer chose the second)
        if (block.timestamp > deadline) revert SignatureExpired(deadline, block.timestamp);
        AccountSlot record = _accounts[account];
        bytes32 digest =
            _hashTypedDataV4(keccak256(abi.encode(_WITHDRAWAL, amount, to, record.revocations(), deadline)));
        _requireSigner(account, digest, signature);

        // Counted as a revocation: the same signature never pays twice.
        _debit(account, record.counted(AccountSlotLib.REVOCATION), amount);
        emit IOpenBidding.BidsRevoked(account);
        emit Withdrawn(account, to, amount);
        _send(to, amount);
    }

    /// @inheritdoc ITokenLedger
    function currency() external view returns (address) {
        return address(_CURRENCY);
    }

    // slither-disable-next-line msg-value-in-nonpayable (of the payable functions, which the other rooms have)
    function _creditPayment() internal override {
        if (msg.value != 0) revert UnexpectedEther(msg.value);
    }

    function _send(address account, uint256 amount) internal override nonReentrant {
        uint256 before = _held();
        _CURRENCY.safeTransfer(account, amount);
        uint256 held = _held();
        if (held > before || before - held != amount) revert InexactTransfer(amount, before, held);
    }

    function _take(address account, uint256 amount) private nonReentrant {
        uint256 before = _held();
        _CURRENCY.safeTransferFrom(msg.sender, address(this), amount);
        _enter(account, msg.sender, amount, before);
    }

    /// @dev Enters what has arrived, after the fact: until then it is nobody's.
    function _enter(address account, address from, uint256 amount, uint256 before) private {
        if (amount == 0) revert ZeroAmount();
        uint256 held = _held();
        if (held < before || held - before != amount) revert InexactTransfer(amount, before, held);
        // All balances together fit one, so that no credit ever overflows.
        if (held > type(uint128).max) revert TooMuchHeld(held, type(uint128).max);

        _credit(account, amount);
        emit Deposited(account, from, amount);
    }

    function _held() private view returns (uint256) {
        return _CURRENCY.balanceOf(address(this));
    }
}
