// SPDX-License-Identifier: MIT
pragma solidity ^0.8.37;

import {Parameters} from "../../contracts/IV2VMarket.sol";
import {Rules} from "../../contracts/market/Rules.sol";

/// @dev The market's own arithmetic, with nothing around it. Whatever parameters the constructor lets pass.
contract OpenRules is Rules {
    constructor(Parameters memory p) Rules(p) {}

    function bondOf(uint256 reserve) external view returns (uint256) {
        return _bond(reserve);
    }

    function penaltyOf(uint256 reserve) external view returns (uint256) {
        return _penalty(reserve);
    }

    function undercut(uint256 best) external view returns (uint256) {
        return _undercut(best);
    }
}

/// @title Bond, penalty and undercut: computed without checks, they are what checked arithmetic gives
/// @dev For every reserve, every rate and every share that the constructor lets pass. An overflow in the arithmetic
/// here fails the check as well.
contract SharesTest {
    uint256 private constant BPS = 10_000;

    function check_a_bond_does_not_overflow(uint96 reserve, uint16 bondBps) external {
        assert(_rules(bondBps, 1, 0).bondOf(reserve) == uint256(reserve) * bondBps / BPS);
    }

    function check_a_penalty_does_not_overflow(uint96 reserve, uint16 penaltyBps) external {
        assert(_rules(type(uint16).max, penaltyBps, 0).penaltyOf(reserve) == uint256(reserve) * penaltyBps / BPS);
    }

    function check_an_undercut_does_not_overflow(uint64 best, uint16 minDecrementBps) external {
        if (best == 0) return;
        uint256 decrement = (uint256(best) * minDecrementBps + BPS - 1) / BPS;
        if (decrement == 0) decrement = 1;
        assert(_rules(10_000, 1, minDecrementBps).undercut(best) == uint256(best) - decrement);
    }

    function _rules(uint16 bondBps, uint16 penaltyBps, uint16 minDecrementBps) private returns (OpenRules) {
        return new OpenRules(
            Parameters({
                bondBps: bondBps,
                penaltyBps: penaltyBps,
                minDecrementBps: minDecrementBps,
                extensionWindow: 60,
                awardWindow: 1 hours,
                settlementWindow: 1 days
            })
        );
    }
}
