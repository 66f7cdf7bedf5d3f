// SPDX-License-Identifier: MIT
pragma solidity ^0.8.37;

import {Ownable} from "@openzeppelin/contracts/access/Ownable.sol";

import {Parameters, State} from "../IV2VMarket.sol";
import {Auction} from "../market/Auction.sol";
import {StandingBid, Terms} from "../market/AuctionSlots.sol";
import {EtherLedger} from "../market/EtherLedger.sol";
import {Rules} from "../market/Rules.sol";

/// @title The same market with sealed bids: all that differs is how the best bid is found
/// @dev Providers commit in the first half of the bidding time and reveal in the second. The bond is the same for every
/// rate, so a commitment tells nothing. Shows that the rooms of the market can be put together anew. Tested, but not
/// meant to be deployed.
contract SealedBidMarket is EtherLedger, Auction {
    struct Commitment {
        bytes32 digest;
        uint256 bond;
    }

    mapping(uint256 auctionId => mapping(address provider => Commitment)) public commitments;

    error NotCommitting(uint256 revealTime, uint256 timestamp);
    error NotRevealing(uint256 revealTime, uint256 closingTime, uint256 timestamp);
    error AlreadyCommitted(address provider);
    error NoSuchCommitment(address provider, bytes32 digest);
    error StillHidden(uint256 closingTime, uint256 timestamp);

    constructor(address organization, Parameters memory parameters_) Ownable(organization) Rules(parameters_) {}

    /// @param digest keccak256(abi.encode(auctionId, provider, rate, salt))
    function commitBid(uint256 auctionId, bytes32 digest) external payable {
        (, Terms terms,) = _require(auctionId, State.Open);
        uint256 revealTime = _revealTime(terms);
        if (block.timestamp >= revealTime) revert NotCommitting(revealTime, block.timestamp);
        Commitment storage commitment = commitments[auctionId][msg.sender];
        if (commitment.bond != 0) revert AlreadyCommitted(msg.sender);

        uint256 bond_ = _bond(terms.reserve());
        _creditPayment();
        _lock(msg.sender, bond_);
        (commitment.digest, commitment.bond) = (digest, bond_);
    }

    /// @notice Takes the lead if the rate is lower than all revealed before; else frees the bond.
    function revealBid(uint256 auctionId, uint64 rate, bytes32 salt) external {
        (Entry storage entry, Terms terms, StandingBid bid) = _require(auctionId, State.Open);
        uint256 revealTime = _revealTime(terms);
        if (block.timestamp < revealTime || block.timestamp >= terms.closingTime()) {
            revert NotRevealing(revealTime, terms.closingTime(), block.timestamp);
        }
        uint256 bond_ = _open(auctionId, msg.sender, keccak256(abi.encode(auctionId, msg.sender, rate, salt)));
        uint256 lowest = bid.provider() == address(0) ? terms.maxRate() + 1 : bid.rate();

        _credit(msg.sender, bond_);
        if (rate != 0 && rate < lowest) _takeLead(auctionId, entry, terms, bid, msg.sender, rate);
    }

    /// @notice Frees the bond of a bid that was never revealed, once the bidding is over or the auction is gone.
    function reclaimBond(uint256 auctionId) external {
        (State state, Terms terms) = _stateAndTerms(auctionId);
        if (state == State.Open && block.timestamp < terms.closingTime()) {
            revert StillHidden(terms.closingTime(), block.timestamp);
        }
        bytes32 digest = commitments[auctionId][msg.sender].digest;
        uint256 bond_ = _open(auctionId, msg.sender, digest);
        // Whoever hides its bid while others depend on it pays for that.
        uint256 penalty_ = state == State.None ? 0 : _penalty(terms.reserve());
        _credit(_consumer(auctionId), penalty_);
        _credit(msg.sender, bond_ - penalty_);
    }

    function _open(uint256 auctionId, address provider, bytes32 digest) private returns (uint256 bond_) {
        Commitment memory commitment = commitments[auctionId][provider];
        if (commitment.bond == 0 || commitment.digest != digest) revert NoSuchCommitment(provider, digest);
        delete commitments[auctionId][provider];
        return commitment.bond;
    }

    function _stateAndTerms(uint256 auctionId) private view returns (State state, Terms terms) {
        state = this.auctions(auctionId).state;
        terms = _book[_consumer(auctionId)].terms;
    }

    function _revealTime(Terms terms) private pure returns (uint256) {
        return terms.since() + terms.biddingTime() / 2;
    }
}
