// SPDX-License-Identifier: MIT
pragma solidity ^0.8.37;

import {ILedger, IMarket} from "./IMarket.sol";

/// @title Ledger in ether
interface IEtherLedger is ILedger {
    /// @notice A plain transfer could not be credited to an EV's purpose: call `deposit`.
    error PlainTransfer(address from, uint256 amount);

    /// @notice Adds the value of the call to the caller's balance.
    function deposit() external payable;

    /// @notice Adds the value of the call to the balance of a registered EV.
    function depositFor(address ev) external payable;
}

/// @title V2V market paid in ether
/// @notice All that a market does is in IMarket.sol; here is how ether comes in. A unit of money is a wei.
interface IV2VMarket is IMarket, IEtherLedger {}
