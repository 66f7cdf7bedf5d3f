// SPDX-License-Identifier: MIT
pragma solidity ^0.8.37;

import {Address} from "@openzeppelin/contracts/utils/Address.sol";

import {IEtherLedger} from "../IV2VMarket.sol";
import {Ledger} from "./Ledger.sol";

/// @title Ledger in ether
/// @dev All the ether there is fits 128 bits many times over.
abstract contract EtherLedger is Ledger, IEtherLedger {
    /// @inheritdoc IEtherLedger
    function deposit() external payable {
        _deposit(msg.sender, uint128(msg.value));
    }

    /// @inheritdoc IEtherLedger
    function depositFor(address ev) external payable {
        _requireEV(ev);
        _deposit(ev, uint128(msg.value));
    }

    receive() external payable {
        revert PlainTransfer(msg.sender, msg.value);
    }

    function _creditPayment() internal override {
        if (msg.value != 0) _deposit(msg.sender, uint128(msg.value));
    }

    function _send(address account, uint256 amount) internal override {
        Address.sendValue(payable(account), amount);
    }
}
