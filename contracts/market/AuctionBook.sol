// SPDX-License-Identifier: MIT
pragma solidity ^0.8.37;

import {AuctionInfo, IAuction, State} from "../IV2VMarket.sol";
import {StandingBid, Terms} from "./AuctionSlots.sol";
import {Rules} from "./Rules.sol";

/// @title Auction book: what is on record of each consumer's current auction, and what follows from it
/// @dev Two slots a consumer, used again by its next auction. State, reserve, bond, penalty and token are derived, not
/// stored. The state follows from three fields, so that starting, awarding and ending each write one slot of the two:
///
///   Open       since <  closingTime
///   Connected  since >= closingTime and a bid stands
///   None       since >= closingTime and no bid stands
abstract contract AuctionBook is Rules, IAuction {
    struct Entry {
        Terms terms;
        StandingBid bid;
    }

    /// @dev Slot 3 of a market.
    mapping(address consumer => Entry) internal _book;

    /// @inheritdoc IAuction
    function currentAuctionId(address consumer) external view returns (uint256) {
        return _auctionId(consumer, _book[consumer].terms.round());
    }

    /// @inheritdoc IAuction
    function auctions(uint256 auctionId) external view returns (AuctionInfo memory info) {
        (State state,, Terms terms, StandingBid bid) = _lookUp(auctionId);
        if (state == State.None) return info;

        info.state = state;
        info.consumer = _consumer(auctionId);
        info.energyWh = uint32(terms.energyWh());
        info.maxRate = uint64(terms.maxRate());
        info.closingTime = terms.closingTime();
        info.validity = terms.validity();
        info.provider = bid.provider();
        if (info.provider != address(0)) info.rate = uint64(bid.rate());
        if (state == State.Connected) info.connectedAt = terms.since();
        info.removals = bid.removals();
    }

    /// @inheritdoc IAuction
    function reserve(uint256 auctionId) public view returns (uint256) {
        (State state,, Terms terms,) = _lookUp(auctionId);
        return state == State.None ? 0 : terms.reserve();
    }

    /// @inheritdoc IAuction
    function bond(uint256 auctionId) external view returns (uint256) {
        return _bond(reserve(auctionId));
    }

    /// @inheritdoc IAuction
    function penalty(uint256 auctionId) external view returns (uint256) {
        return _penalty(reserve(auctionId));
    }

    /// @dev What is on record under `auctionId`, which must be in state `expected`.
    function _require(uint256 auctionId, State expected)
        internal
        view
        returns (Entry storage entry, Terms terms, StandingBid bid)
    {
        State actual;
        (actual, entry, terms, bid) = _lookUp(auctionId);
        _requireState(auctionId, actual, expected);
    }

    /// @dev What is on record of the current auction of `consumer`, which must be in state `expected`.
    function _current(address consumer, State expected)
        internal
        view
        returns (uint256 auctionId, Entry storage entry, Terms terms, StandingBid bid)
    {
        entry = _book[consumer];
        (terms, bid) = (entry.terms, entry.bid);
        auctionId = _auctionId(consumer, terms.round());
        _requireState(auctionId, _state(terms, bid), expected);
    }

    /// @dev Leaves no bid standing, and the count of removals at zero for the next auction.
    function _clearBid(Entry storage entry, StandingBid bid) internal {
        entry.bid = bid.cleared(0);
    }

    function _consumer(uint256 auctionId) internal pure returns (address) {
        return address(uint160(auctionId >> 32));
    }

    function _auctionId(address consumer, uint256 round) internal pure returns (uint256) {
        return uint256(uint160(consumer)) << 32 | round;
    }

    function _lookUp(uint256 auctionId)
        private
        view
        returns (State state, Entry storage entry, Terms terms, StandingBid bid)
    {
        address consumer = _consumer(auctionId);
        entry = _book[consumer];
        (terms, bid) = (entry.terms, entry.bid);
        // In full: an id with anything above the address is nobody's.
        if (auctionId == _auctionId(consumer, terms.round())) state = _state(terms, bid);
    }

    function _requireState(uint256 auctionId, State actual, State expected) private pure {
        if (actual != expected) revert UnexpectedState(auctionId, actual, expected);
    }

    function _state(Terms terms, StandingBid bid) private pure returns (State) {
        if (terms.since() < terms.closingTime()) return State.Open;
        return bid.provider() == address(0) ? State.None : State.Connected;
    }
}
