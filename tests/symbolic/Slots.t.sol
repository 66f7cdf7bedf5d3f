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
        uint256 validity,
        uint256 biddingTime,
        bool openAward
    ) external pure {
        if (validity >= 2 ** 20 || biddingTime >= 2 ** 20) return;
        Terms terms = TermsLib.pack(round, energyWh, maxRate, validity, biddingTime, openAward);

        assert(terms.round() == round);
        assert(terms.energyWh() == energyWh);
        assert(terms.maxRate() == maxRate);
        assert(terms.validity() == validity);
        assert(terms.biddingTime() == biddingTime);
        assert(terms.openAward() == openAward);
        assert(terms.removals() == 0);
        assert(terms.closingTime() == 0);
        assert(terms.since() == 0);
        assert(terms.offered() == (uint256(energyWh) | uint256(maxRate) << 32 | validity << 96));
    }

    function check_a_phase_changes_nothing_else(uint256 packed, uint256 closingTime, uint256 since) external pure {
        if (closingTime >= 2 ** 36 || since >= 2 ** 36) return;
        Terms before = Terms.wrap(packed);
        Terms terms = before.withPhase(closingTime, since);

        assert(terms.closingTime() == closingTime);
        assert(terms.since() == since);
        assert(terms.removals() == before.removals());
        _assertSameOffer(terms, before);
    }

    function check_a_removal_is_counted_and_changes_nothing_else(uint256 packed, uint256 closingTime, uint256 since)
        external
        pure
    {
        if (closingTime >= 2 ** 36 || since >= 2 ** 36) return;
        Terms before = Terms.wrap(packed);
        if (before.removals() == TermsLib.MAX_REMOVALS) return;
        Terms terms = before.restarted(closingTime, since);

        assert(terms.closingTime() == closingTime);
        assert(terms.since() == since);
        assert(terms.removals() == before.removals() + 1);
        _assertSameOffer(terms, before);
    }

    function _assertSameOffer(Terms terms, Terms before) private pure {
        assert(terms.round() == before.round());
        assert(terms.energyWh() == before.energyWh());
        assert(terms.maxRate() == before.maxRate());
        assert(terms.biddingTime() == before.biddingTime());
        assert(terms.validity() == before.validity());
        assert(terms.openAward() == before.openAward());
        assert(terms.offered() == before.offered());
    }

    function check_a_bid_is_read_as_packed(address provider, uint64 rate, uint32 round) external pure {
        StandingBid bid = StandingBidLib.pack(provider, rate, round);

        assert(bid.provider() == provider);
        assert(bid.rate() == rate);
        assert(StandingBid.unwrap(bid.ofRound(round)) == StandingBid.unwrap(bid));
    }

    function check_a_bid_of_another_round_is_none(uint256 packed, uint32 round, uint32 other) external pure {
        if (round == other) return;
        StandingBid bid = StandingBidLib.pack(address(uint160(packed)), uint64(packed >> 160), round);

        assert(StandingBid.unwrap(bid.ofRound(other)) == 0);
    }

    function check_a_removed_bid_has_no_provider_and_is_not_zero(address provider, uint64 rate, uint32 round)
        external
        pure
    {
        StandingBid bid = StandingBidLib.pack(provider, rate, round).removed();

        assert(bid.provider() == address(0));
        assert(bid.rate() == rate);
        assert(round == 0 || StandingBid.unwrap(bid) != 0);
        assert(StandingBid.unwrap(bid.ofRound(round)) == StandingBid.unwrap(bid));
    }

    function check_a_balance_changes_nothing_else(uint256 packed, uint128 balance) external pure {
        AccountSlot before = AccountSlot.wrap(packed);
        AccountSlot account = before.withBalance(balance);

        assert(account.balance() == balance);
        assert(account.addedAt() == before.addedAt());
        assert(account.completed() == before.completed());
        assert(account.noShows() == before.noShows());
        assert(account.revocations() == before.revocations());
    }

    function check_a_registration_changes_nothing_else(uint256 packed, uint40 addedAt) external pure {
        AccountSlot before = AccountSlot.wrap(packed);
        AccountSlot account = before.withAddedAt(addedAt);

        assert(account.addedAt() == addedAt);
        assert(account.balance() == before.balance());
        assert(account.completed() == before.completed());
        assert(account.noShows() == before.noShows());
        assert(account.revocations() == before.revocations());
    }

    /// @dev Below the largest count, which no account will see.
    function check_a_count_changes_nothing_else(uint256 packed) external pure {
        AccountSlot before = AccountSlot.wrap(packed);
        if (before.completed() == type(uint40).max || before.noShows() == type(uint24).max) return;
        if (before.revocations() == type(uint24).max) return;

        _assertCounted(before, before.counted(AccountSlotLib.COMPLETED), 1, 0, 0);
        _assertCounted(before, before.counted(AccountSlotLib.NO_SHOW), 0, 1, 0);
        _assertCounted(before, before.counted(AccountSlotLib.REVOCATION), 0, 0, 1);
    }

    function _assertCounted(
        AccountSlot before,
        AccountSlot now_,
        uint256 completed,
        uint256 noShows,
        uint256 revocations
    ) private pure {
        assert(now_.completed() == before.completed() + completed);
        assert(now_.noShows() == before.noShows() + noShows);
        assert(now_.revocations() == before.revocations() + revocations);
        assert(now_.balance() == before.balance());
        assert(now_.addedAt() == before.addedAt());
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
