// SPDX-License-Identifier: MIT
pragma solidity ^0.8.37;

import {State} from "../../contracts/IMarket.sol";
import {Parameters} from "../../contracts/IMarket.sol";
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

    function check_a_connection_is_left_once_and_for_ever(
        address consumer,
        address sender,
        uint128 value,
        uint40 time
    ) public {
        uint256 auctionId = _market.currentAuctionId(consumer);
        vm.assume(_market.auctions(auctionId).state == State.Connected);

        _anyCall(sender, value, time);

        assert(_market.currentAuctionId(consumer) == auctionId);
        assert(_market.auctions(auctionId).state != State.Open);
    }

    function check_what_is_over_stays_over(address consumer, address sender, uint128 value, uint40 time) public {
        uint256 auctionId = _market.currentAuctionId(consumer);
        vm.assume(_market.auctions(auctionId).state == State.None);

        _anyCall(sender, value, time);

        assert(_market.auctions(auctionId).state == State.None);
        assert(_market.currentAuctionId(consumer) == auctionId || _market.currentAuctionId(consumer) == auctionId + 1);
    }

    function _anyCall(address sender, uint128 value, uint40 time) private {
        bytes memory data = svm.createCalldata("V2VMarket");
        vm.warp(time);
        vm.deal(sender, value);
        vm.prank(sender);
        (bool success,) = address(_market).call{value: value}(data);
        vm.assume(success);
    }
}
