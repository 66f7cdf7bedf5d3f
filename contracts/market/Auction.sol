// SPDX-License-Identifier: MIT
pragma solidity ^0.8.37;

import {IAuction, State} from "../IV2VMarket.sol";
import {StandingBid, StandingBidLib, Terms, TermsLib} from "./AuctionSlots.sol";
import {Connection} from "./Connection.sol";
import {Registry} from "./Registry.sol";

/// @title Auction: from the consumer's request to the award, however the bids come in
abstract contract Auction is Registry, Connection {
    uint256 private constant _MAX_DURATION = 7 days;

    /// @inheritdoc IAuction
    function startAuction(
        uint32 energyWh,
        uint64 maxRate,
        uint256 biddingTime,
        uint256 validity,
        string calldata details
    ) external payable returns (uint256 auctionId) {
        (, Entry storage entry, Terms terms,) = _current(msg.sender, State.None);
        _requireActive();
        _requireShort(details);
        if (energyWh == 0) revert ZeroEnergy();
        if (maxRate == 0) revert ZeroRate();
        if (biddingTime == 0 || biddingTime > _MAX_DURATION) {
            revert BiddingTimeOutOfRange(biddingTime, _MAX_DURATION);
        }
        if (validity == 0 || validity > _MAX_DURATION) revert ValidityOutOfRange(validity, _MAX_DURATION);

        uint32 round = uint32(terms.round()) + 1;
        uint256 closingTime = block.timestamp + biddingTime;
        auctionId = _auctionId(msg.sender, round);
        _creditPayment();
        terms = TermsLib.pack(round, energyWh, maxRate, uint24(biddingTime), uint24(validity));
        _lock(msg.sender, terms.reserve());
        entry.terms = terms.withPhase(closingTime, block.timestamp);
        emit AuctionStarted(auctionId, msg.sender, energyWh, maxRate, closingTime, validity, details);
    }

    /// @inheritdoc IAuction
    function cancelAuction(uint256 auctionId, uint256 maxPenalty) external {
        (Entry storage entry, Terms terms, StandingBid bid) = _require(auctionId, State.Open);
        address consumer = _consumer(auctionId);
        uint256 deadline = _awardDeadline(terms);
        // slither-disable-next-line timestamp (hours: no proposer shifts that)
        if (msg.sender != consumer && block.timestamp < deadline) {
            revert OnlyConsumerUntil(msg.sender, consumer, deadline);
        }
        address provider = bid.provider();
        uint256 reserve_ = terms.reserve();
        // slither-disable-next-line uninitialized-local (nothing, unless an EV is owed one)
        uint256 penalty_;
        if (provider != address(0)) {
            if (isEV(provider)) penalty_ = _penalty(reserve_);
            if (penalty_ > maxPenalty) revert PenaltyAboveMaximum(penalty_, maxPenalty);
            _credit(provider, _bond(reserve_) + penalty_);
        }

        _leaveOpen(entry, terms, bid);
        _credit(consumer, reserve_ - penalty_);
        emit AuctionCancelled(auctionId, provider, penalty_);
    }

    /// @inheritdoc IAuction
    function endAuction() external {
        (uint256 auctionId, Entry storage entry, Terms terms, StandingBid bid) = _current(msg.sender, State.Open);
        uint256 closingTime = terms.closingTime();
        // slither-disable-next-line timestamp (see _requireBidding)
        if (block.timestamp < closingTime) revert BiddingOpen(closingTime, block.timestamp);
        address provider = bid.provider();

        if (provider == address(0)) {
            _leaveOpen(entry, terms, bid);
            _credit(msg.sender, terms.reserve());
            emit AuctionEnded(auctionId, provider, uint64(0), uint256(0));
        } else {
            uint256 deadline = _awardDeadline(terms);
            if (block.timestamp >= deadline) revert AwardWindowPassed(deadline, block.timestamp);

            terms = terms.withPhase(closingTime, block.timestamp);
            entry.terms = terms;
            emit AuctionEnded(auctionId, provider, uint64(bid.rate()), bid.cost(uint32(terms.energyWh())));
            emit Connected(auctionId, provider, msg.sender, _token(auctionId, terms, bid), terms.validity());
        }
    }

    /// @dev Makes a registered EV the leader: its bond is locked, the overtaken one's is free. Whether the rate is good
    /// enough, and in time, is for the kind of bidding to say.
    function _takeLead(
        uint256 auctionId,
        Entry storage entry,
        Terms terms,
        StandingBid bid,
        address provider,
        uint64 rate
    ) internal {
        if (provider == _consumer(auctionId)) revert OwnAuction(auctionId);
        address overtaken = bid.provider();
        if (provider == overtaken) {
            _requireEV(provider);
        } else {
            uint256 bond_ = _bond(terms.reserve());
            _lock(provider, bond_);
            if (overtaken != address(0)) _credit(overtaken, bond_);
        }
        entry.bid = StandingBidLib.pack(provider, rate, uint32(bid.removals()));
        emit BidPlaced(auctionId, provider, rate, terms.closingTime());
    }

    function _requireBidding(Terms terms) internal view {
        // Proposers cannot choose a block's time. They choose what it holds, so a bid near the close may come too
        // late: bid early, or count on the extension.
        // slither-disable-next-line timestamp
        if (block.timestamp >= terms.closingTime()) revert BiddingClosed(terms.closingTime(), block.timestamp);
    }

    function _awardDeadline(Terms terms) private view returns (uint256) {
        return terms.closingTime() + _AWARD_WINDOW;
    }

    /// @dev From Open to None.
    function _leaveOpen(Entry storage entry, Terms terms, StandingBid bid) private {
        entry.terms = terms.withPhase(0, terms.since());
        _clearBid(entry, bid);
    }
}
