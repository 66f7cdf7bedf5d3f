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
        /// Zero when there is none.
        bytes32 digest;
        uint256 bond;
        uint256 penalty;
        uint256 closingTime;
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
        if (digest == 0) revert NoSuchCommitment(msg.sender, digest);
        if (commitments[auctionId][msg.sender].digest != 0) revert AlreadyCommitted(msg.sender);

        uint256 bond_ = _bond(terms.reserve());
        _creditPayment();
        _lock(msg.sender, bond_);
        commitments[auctionId][msg.sender] = Commitment(digest, bond_, _penalty(terms.reserve()), terms.closingTime());
    }

    /// @notice Takes the lead if the rate is lower than all revealed before; else frees the bond.
    function revealBid(uint256 auctionId, uint64 rate, bytes32 salt) external {
        (Entry storage entry, Terms terms, StandingBid bid) = _require(auctionId, State.Open);
        uint256 revealTime = _revealTime(terms);
        if (block.timestamp < revealTime || block.timestamp >= terms.closingTime()) {
            revert NotRevealing(revealTime, terms.closingTime(), block.timestamp);
        }
        Commitment memory commitment = _open(auctionId, keccak256(abi.encode(auctionId, msg.sender, rate, salt)));
        uint256 lowest = bid.provider() == address(0) ? terms.maxRate() + 1 : bid.rate();

        _credit(msg.sender, commitment.bond);
        // Who was removed since it committed loses nothing by it, but cannot win.
        if (rate != 0 && rate < lowest && isEV(msg.sender)) {
            _takeLead(auctionId, entry, terms, bid, msg.sender, rate);
        }
    }

    /// @notice Frees the bond of a bid that was never revealed. Once the bidding is over this costs the penalty: others
    /// depended on that bid. Before that, only if the auction was cancelled, and then it is free.
    function reclaimBond(uint256 auctionId) external {
        Commitment memory commitment = _open(auctionId, commitments[auctionId][msg.sender].digest);
        bool over = block.timestamp >= commitment.closingTime;
        if (!over && this.auctions(auctionId).state == State.Open) {
            revert StillHidden(commitment.closingTime, block.timestamp);
        }
        uint256 penalty_ = over ? commitment.penalty : 0;
        _credit(_consumer(auctionId), penalty_);
        _credit(msg.sender, commitment.bond - penalty_);
    }

    function _open(uint256 auctionId, bytes32 digest) private returns (Commitment memory commitment) {
        commitment = commitments[auctionId][msg.sender];
        if (digest == 0 || commitment.digest != digest) revert NoSuchCommitment(msg.sender, digest);
        delete commitments[auctionId][msg.sender];
    }

    function _revealTime(Terms terms) private pure returns (uint256) {
        return terms.since() + terms.biddingTime() / 2;
    }
}
