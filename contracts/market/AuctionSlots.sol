// SPDX-License-Identifier: MIT
pragma solidity ^0.8.37;

/// @dev Slot 0 of an auction on record:
///
///   bits      field
///     0-31    round        counts the consumer's auctions; survives everything, so that no id is ever used twice
///    32-63    energyWh     Wh
///    64-127   maxRate      units per Wh
///   128-147   validity     s
///   148-167   biddingTime  s
///   168       openAward    whether anybody may end the auction after the close
///   169-183   removals     bids taken back
///   184-219   closingTime  0 once the auction, or its connection, is over
///   220-255   since        when the present phase began: the bidding, or, once awarded, the connection
type Terms is uint256;

/// @dev Slot 1 of an auction on record:
///
///   bits      field
///     0-159   provider     zero when the bid was taken back
///   160-223   rate         units per Wh; stays when the bid is taken back, so that the next one is no fresh slot
///   224-255   round        of which auction: that of an earlier one is no bid any more
type StandingBid is uint256;

using TermsLib for Terms global;
using StandingBidLib for StandingBid global;

/// @title What an auction's two slots hold
/// @dev Packed by hand: the compiler's struct costs 1,000 to 2,000 gas more in each call and 1 kB of code, for the same
/// slots (docs/gas.md).
library TermsLib {
    uint256 private constant _ENERGY_AT = 32;
    uint256 private constant _OFFERED = (1 << (_BIDDING_TIME_AT - _ENERGY_AT)) - 1;
    uint256 private constant _BIDDING_TIME_AT = 148;
    uint256 private constant _OPEN_AWARD_AT = 168;
    uint256 private constant _REMOVALS_AT = 169;
    uint256 private constant _PHASE_AT = 184;
    uint256 private constant _SINCE_AT = 220;

    /// @dev What `removals` can hold.
    uint256 internal constant MAX_REMOVALS = (1 << (_PHASE_AT - _REMOVALS_AT)) - 1;

    /// @dev `validity_` and `biddingTime_` are below 2^20, as 7 days are.
    function pack(
        uint32 round_,
        uint32 energyWh_,
        uint64 maxRate_,
        uint256 validity_,
        uint256 biddingTime_,
        bool openAward_
    ) internal pure returns (Terms) {
        return Terms.wrap(
            uint256(round_) | uint256(energyWh_) << 32 | uint256(maxRate_) << 64 | validity_ << 128 | biddingTime_
                << _BIDDING_TIME_AT | (openAward_ ? 1 << _OPEN_AWARD_AT : 0)
        );
    }

    /// @dev The same terms in another phase. A moment has 36 bits: they end in the year 4147.
    function withPhase(Terms terms, uint256 closingTime_, uint256 since_) internal pure returns (Terms) {
        uint256 unchanged = Terms.unwrap(terms) & ((1 << _PHASE_AT) - 1);
        return Terms.wrap(unchanged | closingTime_ << _PHASE_AT | since_ << _SINCE_AT);
    }

    /// @dev The same terms after one removal more, of `MAX_REMOVALS` at most, in another phase.
    function restarted(Terms terms, uint256 closingTime_, uint256 since_) internal pure returns (Terms) {
        unchecked {
            return withPhase(Terms.wrap(Terms.unwrap(terms) + (1 << _REMOVALS_AT)), closingTime_, since_);
        }
    }

    /// @dev What a bid is made for: energy, maximum rate and validity in one number, as it is packed here.
    function offered(Terms terms) internal pure returns (uint256) {
        return Terms.unwrap(terms) >> _ENERGY_AT & _OFFERED;
    }

    function round(Terms terms) internal pure returns (uint256) {
        return uint32(Terms.unwrap(terms));
    }

    function energyWh(Terms terms) internal pure returns (uint256) {
        return uint32(Terms.unwrap(terms) >> 32);
    }

    function maxRate(Terms terms) internal pure returns (uint256) {
        return uint64(Terms.unwrap(terms) >> 64);
    }

    function validity(Terms terms) internal pure returns (uint256) {
        return Terms.unwrap(terms) >> 128 & 0xfffff;
    }

    function biddingTime(Terms terms) internal pure returns (uint256) {
        return Terms.unwrap(terms) >> _BIDDING_TIME_AT & 0xfffff;
    }

    function openAward(Terms terms) internal pure returns (bool) {
        return Terms.unwrap(terms) >> _OPEN_AWARD_AT & 1 != 0;
    }

    function removals(Terms terms) internal pure returns (uint256) {
        return Terms.unwrap(terms) >> _REMOVALS_AT & MAX_REMOVALS;
    }

    function closingTime(Terms terms) internal pure returns (uint256) {
        return Terms.unwrap(terms) >> _PHASE_AT & 0xfffffffff;
    }

    function since(Terms terms) internal pure returns (uint256) {
        return Terms.unwrap(terms) >> _SINCE_AT;
    }

    /// @dev The most that the energy can cost, units: 64 times 32 bits are at most 96.
    function reserve(Terms terms) internal pure returns (uint256) {
        unchecked {
            return maxRate(terms) * energyWh(terms);
        }
    }
}

library StandingBidLib {
    uint256 private constant _RATE_AT = 160;
    uint256 private constant _ROUND_AT = 224;

    function pack(address provider_, uint64 rate_, uint256 round_) internal pure returns (StandingBid) {
        return StandingBid.wrap(uint160(provider_) | uint256(rate_) << _RATE_AT | round_ << _ROUND_AT);
    }

    /// @dev The same slot without its provider: not zero, so that the next bid is no fresh slot.
    function removed(StandingBid bid) internal pure returns (StandingBid) {
        return StandingBid.wrap(StandingBid.unwrap(bid) >> _RATE_AT << _RATE_AT);
    }

    /// @dev The bid if it is of this round, else none.
    function ofRound(StandingBid bid, uint256 round_) internal pure returns (StandingBid) {
        return StandingBid.unwrap(bid) >> _ROUND_AT == round_ ? bid : StandingBid.wrap(0);
    }

    function provider(StandingBid bid) internal pure returns (address) {
        return address(uint160(StandingBid.unwrap(bid)));
    }

    function rate(StandingBid bid) internal pure returns (uint256) {
        return uint64(StandingBid.unwrap(bid) >> _RATE_AT);
    }

    /// @dev What so much energy costs at this rate, units: 64 times 32 bits are at most 96.
    function cost(StandingBid bid, uint32 energyWh) internal pure returns (uint256) {
        unchecked {
            return rate(bid) * energyWh;
        }
    }
}
