// SPDX-License-Identifier: MIT
pragma solidity ^0.8.37;

import {IAuction, State} from "../IMarket.sol";
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
        bool openAward,
        string calldata details
    ) external payable returns (uint256 auctionId) {
        (Entry storage entry, uint256 lastRound) = _requireIdle(msg.sender);
        _requireActive();
        _requireShort(details);
        if (energyWh == 0) revert ZeroEnergy();
        if (maxRate == 0) revert ZeroRate();
        if (biddingTime == 0 || biddingTime > _MAX_DURATION) {
            revert BiddingTimeOutOfRange(biddingTime, _MAX_DURATION);
        }
        if (validity == 0 || validity > _MAX_DURATION) revert ValidityOutOfRange(validity, _MAX_DURATION);

        uint32 round = uint32(lastRound) + 1;
        Terms terms = TermsLib.pack(round, energyWh, maxRate, validity, biddingTime, openAward);
        uint256 closingTime = block.timestamp + biddingTime;
        _requireWorthwhile(terms.reserve());
        auctionId = _auctionId(msg.sender, round);
        _creditPayment();
        _lock(msg.sender, terms.reserve());
        entry.terms = terms.withPhase(closingTime, block.timestamp);
        emit AuctionStarted(auctionId, msg.sender, energyWh, maxRate, closingTime, validity, openAward, details);
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
            if (_isOwed(provider, terms, deadline)) penalty_ = _penalty(reserve_);
            if (penalty_ > maxPenalty) revert PenaltyAboveMaximum(penalty_, maxPenalty);
            _credit(provider, _bond(reserve_) + penalty_);
        }

        _close(entry, terms);
        _credit(consumer, reserve_ - penalty_);
        emit AuctionCancelled(auctionId, provider, penalty_);
    }

    /// @inheritdoc IAuction
    function endAuction(uint256 auctionId) external {
        (Entry storage entry, Terms terms, StandingBid bid) = _require(auctionId, State.Open);
        address consumer = _consumer(auctionId);
        if (msg.sender != consumer && !terms.openAward()) revert NotConsumer(msg.sender, consumer);
        uint256 closingTime = terms.closingTime();
        // slither-disable-next-line timestamp (see _requireBidding)
        if (block.timestamp < closingTime) revert BiddingOpen(closingTime, block.timestamp);
        address provider = bid.provider();

        if (provider == address(0)) {
            _close(entry, terms);
            _credit(consumer, terms.reserve());
            emit AuctionEnded(auctionId, provider, uint64(0), uint256(0));
        } else {
            uint256 deadline = _awardDeadline(terms);
            if (block.timestamp >= deadline) revert AwardWindowPassed(deadline, block.timestamp);

            terms = terms.withPhase(closingTime, block.timestamp);
            entry.terms = terms;
            emit AuctionEnded(auctionId, provider, uint64(bid.rate()), bid.cost(uint32(terms.energyWh())));
            emit Connected(auctionId, provider, consumer, _token(auctionId, terms, bid), terms.validity());
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
        entry.bid = StandingBidLib.pack(provider, rate, terms.round());
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

    /// @dev Whether a leader is owed the penalty of a cancellation.
    function _isOwed(address provider, Terms terms, uint256 deadline) private view returns (bool) {
        // Its maker could have ended the auction itself, and would else wait for the penalty instead.
        // slither-disable-next-line timestamp (hours)
        if (terms.openAward() && block.timestamp >= deadline) return false;
        // A bid was taken back: whatever was bid since, the consumer has this time to think it over.
        if (block.timestamp < _freeUntil(terms)) return false;
        return isEV(provider);
    }
}
