// SPDX-License-Identifier: MIT
pragma solidity ^0.8.37;

import {ILedger, IMarket} from "./IMarket.sol";

/// @title Ledger in a token
/// @notice For ERC-20 tokens that change nobody's balance but by transfers. What the market holds of one that does
/// otherwise may be less than what its books say.
interface ITokenLedger is ILedger {
    /// @notice This market is paid in its currency, not in ether.
    error UnexpectedEther(uint256 amount);
    /// @notice A unit of this token is too much for a Wh: it has `decimals`, of at least `minimum`.
    error TooFewDecimals(uint256 decimals, uint256 minimum);
    /// @notice The token was to move `amount`; what the market holds went from `before` to `held`.
    error InexactTransfer(uint256 amount, uint256 before, uint256 held);
    /// @notice With this deposit the market would hold `held`, more than a balance can count.
    error TooMuchHeld(uint256 held, uint256 maximum);

    /// @notice Takes `amount` of the currency from the caller, who has approved it, into its balance.
    function deposit(uint256 amount) external;

    /// @notice Takes `amount` of the currency from the caller, who has approved it, into the balance of an EV.
    function depositFor(address ev, uint256 amount) external;

    /// @notice Takes `amount` from `from` into its balance, as it has signed (EIP-3009): anyone may send it.
    /// @param validAfter The signature is valid after this second.
    /// @param validBefore The signature is valid before this second.
    /// @param nonce Chosen by `from`, and used once.
    /// @param v Of the signature over `ReceiveWithAuthorization(from, to, value, validAfter, validBefore, nonce)` in
    /// the domain of the token, where `to` is this market and `value` is `amount`.
    /// @param r As `v`.
    /// @param s As `v`.
    function depositWithAuthorization(
        address from,
        uint256 amount,
        uint256 validAfter,
        uint256 validBefore,
        bytes32 nonce,
        uint8 v,
        bytes32 r,
        bytes32 s
    ) external;

    /// @notice Pays out part of the balance of `account`, as it has signed: anyone may send it. Like `revokeBids`, it
    /// voids everything else that `account` has signed against its balance: bids that nobody has placed, withdrawals.
    /// @param account Whose balance it is, and whose signature.
    /// @param amount Units, from 1 to the balance.
    /// @param to Who is paid.
    /// @param deadline The last second in which the signature is valid.
    /// @param signature Over `Withdrawal(amount, to, nonce, deadline)`; nonce is the account's `revocations`. 65 bytes.
    function withdrawFor(address account, uint256 amount, address to, uint256 deadline, bytes calldata signature)
        external;

    /// @notice The token that this market is paid in.
    function currency() external view returns (address);
}

/// @title V2V market paid in a token
/// @notice All that a market does is in IMarket.sol; here is how money comes in, and how it leaves by a signature.
interface IV2VTokenMarket is IMarket, ITokenLedger {}
