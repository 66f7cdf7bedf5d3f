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

    /// @dev For what does not depend on the parameters: less for the solver to look at.
    OpenRules private _rules;

    function setUp() public {
        _rules = new OpenRules(Parameters(10_000, 1_000, 100, 60, 1 hours, 1 days, 1e13));
    }

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

    /// @dev With the two checks before, and the one after: floor(reserve × 2p / BPS) ≤ floor(reserve × b / BPS). One
    /// at a time each is decided at once; together they are too much for the solver.
    function check_two_penalty_shares_are_no_more_than_the_bonds(Parameters memory p) external {
        new OpenRules(p);

        unchecked {
            assert(2 * uint256(p.penaltyBps) <= p.bondBps);
        }
    }

    function check_two_of_a_smaller_share_are_no_more_than_the_whole(uint96 reserve, uint16 part, uint16 rest)
        external
        pure
    {
        unchecked {
            uint256 product = uint256(reserve) * part;
            uint256 whole = uint256(reserve) * (2 * uint256(part) + rest);
            assert(2 * product <= whole);
        }
    }

    function check_two_quotients_are_no_more_than_that_of_twice_as_much(uint112 part, uint112 whole) external pure {
        unchecked {
            vm.assume(2 * uint256(part) <= whole);

            assert(2 * (uint256(part) / BPS) <= uint256(whole) / BPS);
        }
    }

    /// @dev What is lost for what is missing is its share of the penalty, rounded against who has stopped.
    function check_a_loss_is_the_quotient_of_the_product(uint96 penalty, uint32 missing, uint32 whole) external view {
        vm.assume(whole > 0 && missing <= whole);
        uint256 loss = _rules.share(penalty, missing, whole);

        unchecked {
            assert(loss == (uint256(penalty) * missing + whole - 1) / whole);
        }
    }

    function check_that_quotient_is_rounded_up(uint128 product, uint32 whole) external pure {
        vm.assume(whole > 0);

        unchecked {
            uint256 loss = (uint256(product) + whole - 1) / whole;
            assert(loss * whole >= product);
            assert(loss * whole < uint256(product) + whole);
        }
    }

    function check_a_loss_is_no_more_than_the_penalty(uint96 penalty, uint32 missing, uint32 whole) external view {
        vm.assume(whole > 0 && missing <= whole);

        assert(_rules.share(penalty, missing, whole) <= penalty);
    }

    function check_a_penalty_is_no_more_than_the_reserve(Parameters memory p, uint96 reserve) external {
        OpenRules rules = new OpenRules(p);

        // The solver is told of the shares before the products, and of these before the divisions.
        unchecked {
            assert(p.penaltyBps <= BPS);
            assert(uint256(reserve) * p.penaltyBps <= uint256(reserve) * BPS);
        }
        assert(rules.penalty(reserve) <= reserve);
    }

    function check_an_undercut_is_by_the_decrement_and_by_one_at_least(Parameters memory p, uint64 best) external {
        vm.assume(best > 0);
        uint256 decrement = _decrement(p.minDecrementBps, best);
        uint256 undercut = new OpenRules(p).undercut(best);

        unchecked {
            assert(undercut == best - (decrement == 0 ? 1 : decrement));
        }
    }

    function check_a_decrement_is_the_share_of_the_best_rate_rounded_up(uint16 bps, uint64 best) external pure {
        uint256 decrement = _decrement(bps, best);

        unchecked {
            uint256 product = uint256(best) * bps;
            assert(decrement * BPS >= product);
            assert(decrement * BPS < product + BPS);
        }
    }

    function check_a_decrement_is_no_more_than_the_best_rate(Parameters memory p, uint64 best) external {
        new OpenRules(p);

        assert(_decrement(p.minDecrementBps, best) <= best);
    }

    /// @dev As the rules word it. It has at most 80 bits before the division.
    function _decrement(uint16 bps, uint64 best) private pure returns (uint256) {
        unchecked {
            return (uint256(best) * bps + BPS - 1) / BPS;
        }
    }
}
