// SPDX-License-Identifier: MIT
pragma solidity ^0.8.37;

import {Parameters, State} from "../../contracts/IMarket.sol";
import {V2VMarket} from "../../contracts/V2VMarket.sol";
import {Symbolic} from "./Symbolic.sol";

/// @title What one transaction can do to an auction, whoever sends it, whatever is in it, in any state of the market
/// @dev The whole storage is unknown: also states that the market can never reach. What holds for one transaction
/// from every state holds for any number of them.
contract TransitionsTest is Symbolic {
    V2VMarket private _market;

    function setUp() public {
        _market = new V2VMarket(address(this), Parameters(10_000, 1_000, 100, 60, 1 hours, 1 days, 1e13));
        svm.enableSymbolicStorage(address(_market));
    }

    /// @dev What settles is proven on its own, by how many signatures come with it: all at once are more than Halmos
    /// decides in an hour.
    function check_a_connection_is_left_once_and_for_ever(
        address consumer,
        address sender,
        uint128 value,
        uint40 time
    ) public {
        bytes memory data = svm.createCalldata("V2VMarket");
        vm.assume(bytes4(data) != _market.settle.selector);
        _leave(consumer, sender, value, time, data);
    }

    function check_a_connection_is_settled_once_without_signatures(
        address consumer,
        address sender,
        uint128 value,
        uint40 time
    ) public {
        _settle(consumer, sender, value, time, 0);
    }

    function check_a_connection_is_settled_once_with_one_signature(
        address consumer,
        address sender,
        uint128 value,
        uint40 time
    ) public {
        _settle(consumer, sender, value, time, 1);
    }

    function check_a_connection_is_settled_once_with_two_signatures(
        address consumer,
        address sender,
        uint128 value,
        uint40 time
    ) public {
        _settle(consumer, sender, value, time, 2);
    }

    function check_what_is_over_stays_over(address consumer, address sender, uint128 value, uint40 time) public {
        uint256 auctionId = _market.currentAuctionId(consumer);
        vm.assume(_market.auctions(auctionId).state == State.None);

        _call(sender, value, time, svm.createCalldata("V2VMarket"));

        assert(_market.auctions(auctionId).state == State.None);
        assert(_market.currentAuctionId(consumer) == auctionId || _market.currentAuctionId(consumer) == auctionId + 1);
    }

    function _settle(address consumer, address sender, uint128 value, uint40 time, uint256 signatures) private {
        bytes memory data = svm.createCalldata("V2VMarket");
        vm.assume(bytes4(data) == _market.settle.selector);
        vm.assume(_signatures(data) == signatures);
        _leave(consumer, sender, value, time, data);
    }

    function _signatures(bytes memory data) private pure returns (uint256) {
        // Behind the length and the selector are the four words of a reading, and where each signature is.
        return _oneAt(data, 36 + _wordAt(data, 36 + 4 * 32)) + _oneAt(data, 36 + _wordAt(data, 36 + 5 * 32));
    }

    function _oneAt(bytes memory data, uint256 at) private pure returns (uint256) {
        return _wordAt(data, at) == 0 ? 0 : 1;
    }

    function _wordAt(bytes memory data, uint256 at) private pure returns (uint256 word) {
        assembly ("memory-safe") {
            word := mload(add(data, at))
        }
    }

    function _leave(address consumer, address sender, uint128 value, uint40 time, bytes memory data) private {
        uint256 auctionId = _market.currentAuctionId(consumer);
        vm.assume(_market.auctions(auctionId).state == State.Connected);

        _call(sender, value, time, data);

        assert(_market.currentAuctionId(consumer) == auctionId);
        assert(_market.auctions(auctionId).state != State.Open);
    }

    function _call(address sender, uint128 value, uint40 time, bytes memory data) private {
        vm.warp(time);
        vm.deal(sender, value);
        vm.prank(sender);
        (bool success,) = address(_market).call{value: value}(data);
        vm.assume(success);
    }
}
