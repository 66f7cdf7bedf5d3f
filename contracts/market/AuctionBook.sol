// SPDX-License-Identifier: MIT
pragma solidity ^0.8.37;

import {AuctionInfo, IAuction, State} from "../IMarket.sol";
import {StandingBid, Terms} from "./AuctionSlots.sol";
import {Rules} from "./Rules.sol";

/// @title Auction book: what is on record of each consumer's current auction, and what follows from it
/// @dev Two slots a consumer, used again by its next auction. State, reserve, bond, penalty and token are derived, not
/// stored. The state follows from the two moments in the terms, so that starting, awarding and ending write that one
/// slot and bidding the other:
///
///   Open       since <  closingTime
///   None       closingTime is 0
///   Connected  else, and then a bid stands
abstract contract AuctionBook is Rules, IAuction {
    struct Entry {
        Terms terms;
        StandingBid bid;
    }

    /// @dev Slot 3 of a market.
    // slither-disable-next-line uninitialized-state (written through the entries that it hands out)
    mapping(address consumer => Entry) internal _book;

    /// @inheritdoc IAuction
    function currentAuctionId(address consumer) external view returns (uint256) {
        return _auctionId(consumer, _book[consumer].terms.round());
    }

    /// @inheritdoc IAuction
    function auctions(uint256 auctionId) external view returns (AuctionInfo memory info) {
        (State state, Entry storage entry, Terms terms) = _lookUp(auctionId);
        if (state == State.None) return info;
        StandingBid bid = _standing(entry, terms);

        info.state = state;
        info.consumer = _consumer(auctionId);
        info.energyWh = uint32(terms.energyWh());
        info.maxRate = uint64(terms.maxRate());
        info.closingTime = terms.closingTime();
        info.validity = terms.validity();
        info.openAward = terms.openAward();
        info.provider = bid.provider();
        if (info.provider != address(0)) info.rate = uint64(bid.rate());
        if (state == State.Connected) info.connectedAt = terms.since();
        else info.freeUntil = _freeUntil(terms);
        info.removals = terms.removals();
    }

    /// @inheritdoc IAuction
    function reserve(uint256 auctionId) public view returns (uint256) {
        (State state,, Terms terms) = _lookUp(auctionId);
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
        (actual, entry, terms) = _lookUp(auctionId);
        _requireState(auctionId, actual, expected);
        bid = _standing(entry, terms);
    }

    /// @dev Where the consumer's next auction will be recorded: the last one must be over.
    function _requireIdle(address consumer) internal view returns (Entry storage entry, uint256 lastRound) {
        entry = _book[consumer];
        Terms terms = entry.terms;
        lastRound = terms.round();
        _requireState(_auctionId(consumer, lastRound), _state(terms), State.None);
    }

    /// @dev To None, for ever: the round has no other way back. What is left in both slots saves the next auction gas.
    function _close(Entry storage entry, Terms terms) internal {
        entry.terms = terms.withPhase(0, terms.since());
    }

    /// @dev Until when the consumer may cancel for nothing because a bid was taken back; 0 when none was.
    function _freeUntil(Terms terms) internal view returns (uint256) {
        return terms.removals() == 0 ? 0 : terms.since() + _EXTENSION_WINDOW;
    }

    function _consumer(uint256 auctionId) internal pure returns (address) {
        return address(uint160(auctionId >> 32));
    }

    function _auctionId(address consumer, uint256 round) internal pure returns (uint256) {
        return uint256(uint160(consumer)) << 32 | round;
    }

    function _lookUp(uint256 auctionId) private view returns (State state, Entry storage entry, Terms terms) {
        address consumer = _consumer(auctionId);
        entry = _book[consumer];
        terms = entry.terms;
        // In full: an id with anything above the address is nobody's.
        if (auctionId == _auctionId(consumer, terms.round())) state = _state(terms);
    }

    function _standing(Entry storage entry, Terms terms) private view returns (StandingBid) {
        return entry.bid.ofRound(terms.round());
    }

    function _requireState(uint256 auctionId, State actual, State expected) private pure {
        if (actual != expected) revert UnexpectedState(auctionId, actual, expected);
    }

    function _state(Terms terms) private pure returns (State) {
        uint256 closingTime = terms.closingTime();
        if (terms.since() < closingTime) return State.Open;
        return closingTime == 0 ? State.None : State.Connected;
    }
}
