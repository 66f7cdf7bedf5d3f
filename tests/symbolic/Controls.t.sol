// SPDX-License-Identifier: MIT
pragma solidity ^0.8.37;

import {AccountSlot} from "../../contracts/market/AccountSlot.sol";
import {StandingBid} from "../../contracts/market/AuctionSlots.sol";
import {Symbolic} from "./Symbolic.sol";

/// @title What is wrong, and has to be refuted: each is true of nearly all values
contract FalseSlotsTest is Symbolic {
    function check_no_balance_and_moment_are_these(uint256 packed) external pure {
        AccountSlot before = AccountSlot.wrap(packed);
        AccountSlot account = before.withAddedAt(0x1234);

        assert(account.addedAt() != 0x1234 || account.balance() != 0xabcdef);
    }

    function check_a_cost_has_less_than_its_bits(uint256 packed, uint32 energyWh) external pure {
        assert(StandingBid.wrap(packed).cost(energyWh) < 2 ** 95);
    }
}

/// @title The same for what is decided as integers
contract FalseSharesTest is Symbolic {
    uint256 private constant BPS = 10_000;

    function check_a_share_is_never_rounded(uint96 reserve, uint16 bps) external pure {
        unchecked {
            uint256 product = uint256(reserve) * bps;
            assert(product / BPS * BPS == product);
        }
    }

    function check_a_share_is_less_than_the_whole(uint96 reserve, uint16 bps) external pure {
        vm.assume(reserve > 0 && bps <= BPS);
        unchecked {
            assert(uint256(reserve) * bps / BPS < reserve);
        }
    }
}
