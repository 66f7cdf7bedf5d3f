// SPDX-License-Identifier: MIT
pragma solidity ^0.8.37;

/// @dev Slot 0 of an auction on record:
///
///   bits      field
///     0-31    round        counts the consumer's auctions; survives everything, so that no id is ever used twice
///    32-63    energyWh     Wh
///    64-127   maxRate      wei per Wh
///   128-151   biddingTime  s
///   152-175   validity     s
///   176-215   closingTime
///   216-255   since        when the present phase began: the bidding, or, once awarded, the connection
type Terms is uint256;

/// @dev Slot 1 of an auction on record:
///
///   bits      field
///     0-159   provider     zero when no bid stands
///   160-223   rate         wei per Wh; left as it is when the bid is cleared, so that the next one is no fresh slot
///   224-255   removals
type StandingBid is uint256;

using TermsLib for Terms global;
using StandingBidLib for StandingBid global;

/// @title What an auction's two slots hold
/// @dev Packed by hand: the compiler's struct costs 1,000 to 2,000 gas more in each call and 1 kB of code, for the same
/// slots (docs/gas.md).
library TermsLib {
    uint256 private constant _PHASE_AT = 176;
    uint256 private constant _SINCE_AT = 216;

    function pack(uint32 round_, uint32 energyWh_, uint64 maxRate_, uint24 biddingTime_, uint24 validity_)
        internal
        pure
        returns (Terms)
    {
        return Terms.wrap(
            uint256(round_) | uint256(energyWh_) << 32 | uint256(maxRate_) << 64 | uint256(biddingTime_) << 128
                | uint256(validity_) << 152
        );
    }

    /// @dev The same terms in another phase.
    function withPhase(Terms terms, uint256 closingTime_, uint256 since_) internal pure returns (Terms) {
        uint256 unchanged = Terms.unwrap(terms) & ((1 << _PHASE_AT) - 1);
        return Terms.wrap(unchanged | uint256(uint40(closingTime_)) << _PHASE_AT | since_ << _SINCE_AT);
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

    function biddingTime(Terms terms) internal pure returns (uint256) {
        return uint24(Terms.unwrap(terms) >> 128);
    }

    function validity(Terms terms) internal pure returns (uint256) {
        return uint24(Terms.unwrap(terms) >> 152);
    }

    function closingTime(Terms terms) internal pure returns (uint256) {
        return uint40(Terms.unwrap(terms) >> _PHASE_AT);
    }

    function since(Terms terms) internal pure returns (uint256) {
        return uint40(Terms.unwrap(terms) >> _SINCE_AT);
    }

    /// @dev The most that the energy can cost, wei: 64 times 32 bits are at most 96.
    function reserve(Terms terms) internal pure returns (uint256) {
        unchecked {
            return maxRate(terms) * energyWh(terms);
        }
    }
}

library StandingBidLib {
    uint256 private constant _RATE_AT = 160;
    uint256 private constant _REMOVALS_AT = 224;

    function pack(address provider_, uint64 rate_, uint32 removals_) internal pure returns (StandingBid) {
        return StandingBid.wrap(uint160(provider_) | uint256(rate_) << _RATE_AT | uint256(removals_) << _REMOVALS_AT);
    }

    /// @dev No bid standing, after so many removals.
    function cleared(StandingBid bid, uint32 removals_) internal pure returns (StandingBid) {
        return pack(address(0), uint64(rate(bid)), removals_);
    }

    function provider(StandingBid bid) internal pure returns (address) {
        return address(uint160(StandingBid.unwrap(bid)));
    }

    function rate(StandingBid bid) internal pure returns (uint256) {
        return uint64(StandingBid.unwrap(bid) >> _RATE_AT);
    }

    /// @dev What so much energy costs at this rate, wei: 64 times 32 bits are at most 96.
    function cost(StandingBid bid, uint32 energyWh) internal pure returns (uint256) {
        unchecked {
            return rate(bid) * energyWh;
        }
    }

    function removals(StandingBid bid) internal pure returns (uint256) {
        return uint32(StandingBid.unwrap(bid) >> _REMOVALS_AT);
    }
}
