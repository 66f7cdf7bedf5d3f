// SPDX-License-Identifier: MIT
pragma solidity ^0.8.37;

import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";

import {IOpenBidding, State} from "../IMarket.sol";
import {AccountSlotLib} from "./AccountSlot.sol";
import {Auction} from "./Auction.sol";
import {StandingBid, Terms, TermsLib} from "./AuctionSlots.sol";

/// @title Open bidding: providers underbid each other in public
abstract contract OpenBidding is Auction, IOpenBidding {
    /// @inheritdoc IOpenBidding
    function placeBid(uint256 auctionId, uint64 rate, uint256 terms_) external payable {
        (Entry storage entry, Terms terms, StandingBid bid) = _require(auctionId, State.Open);
        // After a reorganization of the chain another auction can have the same id.
        if (terms.offered() != terms_) revert UnexpectedTerms(terms_, terms.offered());

        _creditPayment();
        _placeBid(auctionId, entry, terms, bid, msg.sender, rate);
    }

    /// @inheritdoc IOpenBidding
    function placeBidFor(uint256 auctionId, address provider, uint64 rate, uint256 deadline, bytes calldata signature)
        external
    {
        (Entry storage entry, Terms terms, StandingBid bid) = _require(auctionId, State.Open);
        // slither-disable-next-line timestamp (the signer chose the second)
        if (block.timestamp > deadline) revert SignatureExpired(deadline, block.timestamp);
        // Both counts only grow, so their sum comes back to no value once left: every removal, like every revocation,
        // voids what was signed before it. Until then rates only fall. So no signed bid counts twice.
        uint256 nonce = terms.removals() + _accounts[provider].revocations();
        _requireSigner(provider, _hashBid(auctionId, terms, rate, nonce, deadline), signature);

        _placeBid(auctionId, entry, terms, bid, provider, rate);
    }

    /// @inheritdoc IOpenBidding
    function revokeBids() external {
        _accounts[msg.sender] = _accounts[msg.sender].counted(AccountSlotLib.REVOCATION);
        emit BidsRevoked(msg.sender);
    }

    /// @inheritdoc IOpenBidding
    function removeBid(uint256 auctionId) external {
        (Entry storage entry, Terms terms, StandingBid bid) = _require(auctionId, State.Open);
        _requireProvider(bid);
        _requireBidding(terms);
        // Else the count would start again, and with it what was signed before.
        if (terms.removals() == TermsLib.MAX_REMOVALS) revert TooManyRemovals(TermsLib.MAX_REMOVALS);

        // The clock starts again: else a leader could scare rivals off with a low bid, take it back in the last
        // second, and win with its sibling at the maximum.
        // This never brings the close forward: it was set the same way, or by less, at an earlier moment.
        uint256 closingTime = block.timestamp + Math.max(terms.biddingTime(), _EXTENSION_WINDOW);
        uint256 reserve_ = terms.reserve();
        uint256 penalty_ = _penalty(reserve_);
        entry.terms = terms.restarted(closingTime, block.timestamp);
        entry.bid = bid.removed();
        _credit(_consumer(auctionId), penalty_);
        _credit(msg.sender, _bond(reserve_) - penalty_);
        emit BidRemoved(auctionId, msg.sender, penalty_, closingTime);
    }

    function _placeBid(
        uint256 auctionId,
        Entry storage entry,
        Terms terms,
        StandingBid bid,
        address provider,
        uint64 rate
    ) private {
        _requireBidding(terms);
        if (rate == 0) revert ZeroRate();
        uint256 highest = bid.provider() == address(0) ? terms.maxRate() : _undercut(bid.rate());
        if (rate > highest) revert RateTooHigh(uint256(rate), highest);

        terms = _extend(entry, terms);
        _takeLead(auctionId, entry, terms, bid, provider, rate);
    }

    /// @dev A bid near the close leaves the others time to answer, but no more than the bidding time once again.
    function _extend(Entry storage entry, Terms terms) private returns (Terms) {
        uint256 limit = terms.since() + 2 * terms.biddingTime();
        uint256 extended = Math.min(block.timestamp + _EXTENSION_WINDOW, limit);
        // slither-disable-next-line timestamp (see _requireBidding)
        if (extended <= terms.closingTime()) return terms;

        terms = terms.withPhase(extended, terms.since());
        entry.terms = terms;
        return terms;
    }
}
