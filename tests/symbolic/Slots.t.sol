// SPDX-License-Identifier: MIT
pragma solidity ^0.8.37;

import {AccountSlot} from "../../contracts/market/AccountSlot.sol";
import {AccountSlotLib} from "../../contracts/market/AccountSlot.sol";
import {StandingBid, StandingBidLib, Terms, TermsLib} from "../../contracts/market/AuctionSlots.sol";

/// @title Packing: every field of a slot is read as it was written, and none touches another
contract SlotsTest {
    function check_terms_are_read_as_packed(
        uint32 round,
        uint32 energyWh,
        uint64 maxRate,
        uint24 biddingTime,
        uint24 validity
    ) external pure {
        Terms terms = TermsLib.pack(round, energyWh, maxRate, biddingTime, validity);

        assert(terms.round() == round);
        assert(terms.energyWh() == energyWh);
        assert(terms.maxRate() == maxRate);
        assert(terms.biddingTime() == biddingTime);
        assert(terms.validity() == validity);
        assert(terms.closingTime() == 0);
        assert(terms.since() == 0);
    }

    function check_a_phase_changes_nothing_else(uint256 packed, uint40 closingTime, uint40 since) external pure {
        Terms before = Terms.wrap(packed);
        Terms terms = before.withPhase(closingTime, since);

        assert(terms.closingTime() == closingTime);
        assert(terms.since() == since);
        assert(terms.round() == before.round());
        assert(terms.energyWh() == before.energyWh());
        assert(terms.maxRate() == before.maxRate());
        assert(terms.biddingTime() == before.biddingTime());
        assert(terms.validity() == before.validity());
    }

    function check_a_bid_is_read_as_packed(address provider, uint64 rate, uint32 removals) external pure {
        StandingBid bid = StandingBidLib.pack(provider, rate, removals);

        assert(bid.provider() == provider);
        assert(bid.rate() == rate);
        assert(bid.removals() == removals);
    }

    function check_a_cleared_bid_has_no_provider(uint256 packed, uint32 removals) external pure {
        StandingBid before = StandingBid.wrap(packed);
        StandingBid bid = before.cleared(removals);

        assert(bid.provider() == address(0));
        assert(bid.removals() == removals);
        assert(bid.rate() == before.rate());
    }

    function check_a_balance_changes_nothing_else(uint256 packed, uint128 balance) external pure {
        AccountSlot before = AccountSlot.wrap(packed);
        AccountSlot account = before.withBalance(balance);

        assert(account.balance() == balance);
        assert(account.addedAt() == before.addedAt());
        assert(account.completed() == before.completed());
        assert(account.noShows() == before.noShows());
    }

    function check_a_registration_changes_nothing_else(uint256 packed, uint40 addedAt) external pure {
        AccountSlot before = AccountSlot.wrap(packed);
        AccountSlot account = before.withAddedAt(addedAt);

        assert(account.addedAt() == addedAt);
        assert(account.balance() == before.balance());
        assert(account.completed() == before.completed());
        assert(account.noShows() == before.noShows());
    }

    /// @dev Below the largest count, which no chain will see: 2^40 connections are more than 2^40 transactions.
    function check_a_count_changes_nothing_else(uint256 packed) external pure {
        AccountSlot before = AccountSlot.wrap(packed);
        if (before.completed() == type(uint48).max || before.noShows() == type(uint40).max) return;

        AccountSlot completed = before.counted(AccountSlotLib.COMPLETED);
        assert(completed.completed() == before.completed() + 1);
        assert(completed.noShows() == before.noShows());
        assert(completed.balance() == before.balance());
        assert(completed.addedAt() == before.addedAt());

        AccountSlot noShow = before.counted(AccountSlotLib.NO_SHOW);
        assert(noShow.noShows() == before.noShows() + 1);
        assert(noShow.completed() == before.completed());
        assert(noShow.balance() == before.balance());
        assert(noShow.addedAt() == before.addedAt());
    }

    /// @dev It is computed without a check of overflow.
    function check_a_reserve_is_the_exact_product(uint256 packed) external pure {
        Terms terms = Terms.wrap(packed);

        assert(terms.reserve() == terms.maxRate() * terms.energyWh());
        assert(terms.reserve() < 2 ** 96);
    }

    function check_a_cost_is_the_exact_product(uint256 packed, uint32 energyWh) external pure {
        StandingBid bid = StandingBid.wrap(packed);

        assert(bid.cost(energyWh) == bid.rate() * energyWh);
        assert(bid.cost(energyWh) < 2 ** 96);
    }
}
