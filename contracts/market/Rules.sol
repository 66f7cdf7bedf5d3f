// SPDX-License-Identifier: MIT
pragma solidity ^0.8.37;

import {IRules, Parameters} from "../IMarket.sol";

/// @title Rules: the parameters of one market, checked once and never changed
abstract contract Rules is IRules {
    uint256 private constant BPS = 10_000;

    // Capitals are what Solidity's own style guide and solhint ask of immutables.
    // slither-disable-start naming-convention
    uint16 private immutable _BOND_BPS;
    uint16 private immutable _PENALTY_BPS;
    uint16 internal immutable _MIN_DECREMENT_BPS;
    uint32 internal immutable _EXTENSION_WINDOW;
    uint32 internal immutable _AWARD_WINDOW;
    uint32 internal immutable _SETTLEMENT_WINDOW;
    uint64 private immutable _MIN_PENALTY;
    // slither-disable-end naming-convention

    constructor(Parameters memory p) {
        _requireRange("bondBps", p.bondBps, 2, type(uint16).max);
        // A forfeit costs two.
        _requireRange("penaltyBps", p.penaltyBps, 1, p.bondBps < 2 * BPS ? p.bondBps / 2 : BPS);
        _requireRange("minDecrementBps", p.minDecrementBps, 0, 5_000);
        _requireRange("extensionWindow", p.extensionWindow, 0, 1 hours);
        _requireRange("awardWindow", p.awardWindow, 10 minutes, 7 days);
        _requireRange("settlementWindow", p.settlementWindow, 10 minutes, 7 days);
        _requireRange("minPenalty", p.minPenalty, 1, 1 ether);

        _BOND_BPS = p.bondBps;
        _PENALTY_BPS = p.penaltyBps;
        _MIN_DECREMENT_BPS = p.minDecrementBps;
        _EXTENSION_WINDOW = p.extensionWindow;
        _AWARD_WINDOW = p.awardWindow;
        _SETTLEMENT_WINDOW = p.settlementWindow;
        _MIN_PENALTY = p.minPenalty;
    }

    /// @inheritdoc IRules
    function parameters() external view returns (Parameters memory) {
        return Parameters({
            bondBps: _BOND_BPS,
            penaltyBps: _PENALTY_BPS,
            minDecrementBps: _MIN_DECREMENT_BPS,
            extensionWindow: _EXTENSION_WINDOW,
            awardWindow: _AWARD_WINDOW,
            settlementWindow: _SETTLEMENT_WINDOW,
            minPenalty: _MIN_PENALTY
        });
    }

    /// @dev Bond and penalty depend on the reserve and never on the bid: a share of a tiny bid would deter nobody.
    /// A reserve has at most 96 bits and a share 16.
    function _bond(uint256 reserve_) internal view returns (uint256) {
        unchecked {
            return reserve_ * _BOND_BPS / BPS;
        }
    }

    /// @dev Never more than the reserve nor than half the bond, whatever the parameters.
    function _penalty(uint256 reserve_) internal view returns (uint256) {
        unchecked {
            return reserve_ * _PENALTY_BPS / BPS;
        }
    }

    /// @dev What is lost of a penalty when so much of the whole energy is missing, rounded up. A penalty has at most 96
    /// bits and an energy 32.
    function _share(uint256 penalty_, uint256 missing, uint256 whole) internal pure returns (uint256) {
        unchecked {
            return (penalty_ * missing + whole - 1) / whole;
        }
    }

    /// @dev So little that its penalty deters nobody is no trade.
    function _requireWorthwhile(uint256 reserve_) internal view {
        uint256 penalty_ = _penalty(reserve_);
        if (penalty_ < _MIN_PENALTY) revert PenaltyTooLow(penalty_, _MIN_PENALTY);
    }

    /// @dev The highest rate that undercuts `best` far enough; 0 when nothing can. A rate has 64 bits and is at
    /// least 1, a share has 16 and is at most a half.
    function _undercut(uint256 best) internal view returns (uint256) {
        unchecked {
            uint256 decrement = (best * _MIN_DECREMENT_BPS + BPS - 1) / BPS;
            return best - (decrement == 0 ? 1 : decrement);
        }
    }

    function _requireRange(string memory name, uint256 value, uint256 minimum, uint256 maximum) private pure {
        if (value < minimum || value > maximum) revert ParameterOutOfRange(name, value, minimum, maximum);
    }
}
