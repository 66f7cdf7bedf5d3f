// SPDX-License-Identifier: MIT
pragma solidity ^0.8.37;

import {V2VMarket} from "../V2VMarket.sol";

/// @title An account whose owner is a contract that does what an attacker would
contract HostileEV {
    enum Answer {
        Accept,
        Refuse,
        Reenter
    }

    error Refused();

    V2VMarket private immutable _MARKET;
    Answer private _answer;
    uint256 public reentries;

    constructor(V2VMarket market) {
        _MARKET = market;
    }

    /// @dev Calls the market as this account.
    function act(bytes calldata call) external payable {
        (bool success, bytes memory returned) = address(_MARKET).call{value: msg.value}(call);
        if (!success) {
            // solhint-disable-next-line no-inline-assembly
            assembly ("memory-safe") {
                revert(add(returned, 32), mload(returned))
            }
        }
    }

    /// @dev What to do with ether that the market sends.
    function prepare(Answer answer) external {
        _answer = answer;
    }

    /// @dev Ether that arrives without a call of the receiver, which no contract can refuse.
    function force(address payable receiver) external payable {
        new Forced{value: msg.value}(receiver);
    }

    // solhint-disable-next-line no-complex-fallback
    receive() external payable {
        if (_answer == Answer.Refuse) revert Refused();
        if (_answer == Answer.Reenter) {
            // solhint-disable-next-line avoid-low-level-calls
            (bool success,) = address(_MARKET).call(abi.encodeCall(_MARKET.withdraw, (msg.value, address(this))));
            if (success) reentries++;
        }
    }
}

/// @dev Within the transaction that creates it, a contract can still destroy itself and leave its ether to anybody.
contract Forced {
    constructor(address payable receiver) payable {
        selfdestruct(receiver);
    }
}
