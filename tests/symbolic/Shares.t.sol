// SPDX-License-Identifier: MIT
pragma solidity ^0.8.37;

import {Parameters} from "../../contracts/IMarket.sol";
import {Rules} from "../../contracts/market/Rules.sol";
import {Symbolic} from "./Symbolic.sol";

/// @dev The rules of a market, from outside.
contract OpenRules is Rules {
    constructor(Parameters memory p) Rules(p) {}

    function bond(uint96 reserve) external view returns (uint256) {
        return _bond(reserve);
    }

    function penalty(uint96 reserve) external view returns (uint256) {
        return _penalty(reserve);
    }

    function share(uint96 penalty_, uint32 missing, uint32 whole) external pure returns (uint256) {
        return _share(penalty_, missing, whole);
    }

    function undercut(uint64 best) external view returns (uint256) {
        return _undercut(best);
    }
}

/// @title Shares: bond, penalty and undercut, for all parameters that a market can have, all reserves and all rates
/// @dev `new OpenRules(p)` reverts for other parameters, and what reverts is not looked at.
contract SharesTest is Symbolic {
    uint256 private constant BPS = 10_000;

    function check_a_bond_is_the_share_of_the_reserve_rounded_down(Parameters memory p, uint96 reserve) external {
        uint256 product = uint256(reserve) * p.bondBps;
        uint256 bond = new OpenRules(p).bond(reserve);

        assert(bond * BPS <= product);
        assert((bond + 1) * BPS > product);
    }

    function check_a_penalty_is_the_share_of_the_reserve_rounded_down(Parameters memory p, uint96 reserve) external {
        uint256 product = uint256(reserve) * p.penaltyBps;
        uint256 penalty = new OpenRules(p).penalty(reserve);

        assert(penalty * BPS <= product);
        assert((penalty + 1) * BPS > product);
    }

    /// @dev In two steps: the solver is told of the products before the divisions.
    function check_two_penalties_are_no_more_than_the_bond(Parameters memory p, uint96 reserve) external {
        OpenRules rules = new OpenRules(p);

        unchecked {
            assert(2 * uint256(reserve) * p.penaltyBps <= uint256(reserve) * p.bondBps);
        }
        assert(2 * rules.penalty(reserve) <= rules.bond(reserve));
    }

    /// @dev What is lost for what is missing is its share of the penalty, rounded against who has stopped.
    function check_a_loss_is_the_missing_share_rounded_up(
        Parameters memory p,
        uint96 penalty,
        uint32 missing,
        uint32 whole
    ) external {
        vm.assume(whole > 0 && missing <= whole);
        uint256 product = uint256(penalty) * missing;
        uint256 loss = new OpenRules(p).share(penalty, missing, whole);

        assert(loss * whole >= product);
        assert(loss * whole < product + whole);
    }

    function check_a_loss_is_no_more_than_the_penalty(
        Parameters memory p,
        uint96 penalty,
        uint32 missing,
        uint32 whole
    ) external {
        vm.assume(whole > 0 && missing <= whole);

        assert(new OpenRules(p).share(penalty, missing, whole) <= penalty);
    }

    function check_a_penalty_is_no_more_than_the_reserve(Parameters memory p, uint96 reserve) external {
        assert(new OpenRules(p).penalty(reserve) <= reserve);
    }

    function check_an_undercut_is_by_the_decrement_and_by_one_at_least(Parameters memory p, uint64 best) external {
        vm.assume(best > 0);
        uint256 decrement = _decrement(p, best);
        uint256 undercut = new OpenRules(p).undercut(best);

        unchecked {
            assert(undercut == best - (decrement == 0 ? 1 : decrement));
        }
    }

    function check_a_decrement_is_the_share_of_the_best_rate_rounded_up(Parameters memory p, uint64 best) external {
        new OpenRules(p);
        uint256 decrement = _decrement(p, best);

        unchecked {
            uint256 product = uint256(best) * p.minDecrementBps;
            assert(decrement * BPS >= product);
            assert(decrement * BPS < product + BPS);
        }
    }

    function check_a_decrement_is_no_more_than_the_best_rate(Parameters memory p, uint64 best) external {
        new OpenRules(p);

        assert(_decrement(p, best) <= best);
    }

    /// @dev As the rules word it. It has at most 80 bits before the division.
    function _decrement(Parameters memory p, uint64 best) private pure returns (uint256) {
        unchecked {
            return (uint256(best) * p.minDecrementBps + BPS - 1) / BPS;
        }
    }
}
