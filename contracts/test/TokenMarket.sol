// SPDX-License-Identifier: MIT
pragma solidity ^0.8.37;

import {Ownable} from "@openzeppelin/contracts/access/Ownable.sol";
import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";

import {Parameters} from "../IV2VMarket.sol";
import {Ledger} from "../market/Ledger.sol";
import {OpenBidding} from "../market/OpenBidding.sol";
import {Rules} from "../market/Rules.sol";

/// @title Ledger in an ERC-20 currency
/// @dev For tokens that move exactly what they are told to, and whose supply fits 128 bits.
abstract contract TokenLedger is Ledger {
    using SafeCast for uint256;
    using SafeERC20 for IERC20;

    IERC20 public immutable TOKEN;

    /// @notice This market is paid in `TOKEN`.
    error UnexpectedEther(uint256 amount);

    constructor(IERC20 token) {
        TOKEN = token;
    }

    function deposit(uint256 amount) external {
        _deposit(msg.sender, amount.toUint128());
        TOKEN.safeTransferFrom(msg.sender, address(this), amount);
    }

    function _creditPayment() internal override {
        if (msg.value != 0) revert UnexpectedEther(msg.value);
    }

    function _send(address account, uint256 amount) internal override {
        TOKEN.safeTransfer(account, amount);
    }
}

/// @title The same market in another currency: all that differs is how money comes in and goes out
/// @dev Shows that the rooms of the market can be put together anew. Tested, but not meant to be deployed.
contract TokenMarket is TokenLedger, OpenBidding {
    constructor(address organization, Parameters memory parameters_, IERC20 token)
        Ownable(organization)
        Rules(parameters_)
        TokenLedger(token)
    {}
}
