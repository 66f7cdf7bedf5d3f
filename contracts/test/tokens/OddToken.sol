// SPDX-License-Identifier: MIT
pragma solidity ^0.8.37;

import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";

/// @title A token that does what tokens do that should not
/// @dev Everybody mints, and tells it how to behave. What it shall answer is written with assembly, as the compiler
/// would not let it.
// solhint-disable no-inline-assembly
contract OddToken is ERC20("Odd token", "ODD") {
    enum Way {
        Honest,
        FeeFromReceiver,
        FeeFromSender,
        MovesNothing,
        MovesHalf,
        MovesDouble,
        MovesBack,
        ReturnsFalse,
        ReturnsFalseAndMoves,
        ReturnsNothing,
        ReturnsTwo,
        ReturnsOneByte,
        ReturnsALot,
        Refuses,
        RefusesWithoutAReason,
        Panics,
        BurnsItsGas,
        HidesBalances,
        TakesAnyCall
    }

    error Refused();

    Way private _way;
    bool private _before;
    address private _called;
    bytes private _call;
    bool public calledBack;
    bytes public answer;

    function mint(address account, uint256 amount) external {
        _mint(account, amount);
    }

    /// @dev As tokens that follow an index take from everybody, and from the market too.
    function burn(address account, uint256 amount) external {
        _burn(account, amount);
    }

    function allow(address owner, address spender, uint256 amount) external {
        _approve(owner, spender, amount);
    }

    function behave(Way way) external {
        _way = way;
    }

    /// @dev In the next transfer, before or after it has moved anything, make a call, as tokens with hooks do.
    function callBack(address called, bytes calldata call, bool before) external {
        (_called, _call, _before, calledBack) = (called, call, before, false);
    }

    function transfer(address to, uint256 amount) public override returns (bool) {
        super.transfer(to, amount);
        return _answer();
    }

    function transferFrom(address from, address to, uint256 amount) public override returns (bool) {
        super.transferFrom(from, to, amount);
        return _answer();
    }

    function balanceOf(address account) public view override returns (uint256) {
        if (_way == Way.HidesBalances) revert Refused();
        return super.balanceOf(account);
    }

    /// @dev As the wrapped ether of many chains does: a call that it does not know, it takes for something else.
    fallback() external {
        if (_way != Way.TakesAnyCall) revert Refused();
    }

    function _update(address from, address to, uint256 amount) internal override {
        if (from == address(0) || to == address(0)) {
            super._update(from, to, amount);
            return;
        }
        if (_before) _callBack();
        _move(from, to, amount);
        if (!_before) _callBack();
    }

    function _move(address from, address to, uint256 amount) private {
        if (_way == Way.MovesNothing || _way == Way.ReturnsFalse) return;
        if (_way == Way.Refuses) revert Refused();
        if (_way == Way.RefusesWithoutAReason) {
            assembly ("memory-safe") {
                revert(0, 0)
            }
        }
        if (_way == Way.Panics) assert(false);
        if (_way == Way.BurnsItsGas) {
            assembly ("memory-safe") {
                invalid()
            }
        }
        if (_way == Way.MovesHalf) amount /= 2;
        if (_way == Way.MovesDouble) amount *= 2;
        super._update(from, to, amount);
        if (_way == Way.MovesBack) super._update(to, from, amount);
        if (_way == Way.FeeFromReceiver) super._update(to, address(this), amount / 100);
        if (_way == Way.FeeFromSender) super._update(from, address(this), amount / 100);
    }

    function _callBack() private {
        if (_called == address(0)) return;
        address called = _called;
        _called = address(0);
        // solhint-disable-next-line avoid-low-level-calls
        (calledBack, answer) = called.call(_call);
    }

    function _answer() private view returns (bool) {
        if (_way == Way.ReturnsFalse || _way == Way.ReturnsFalseAndMoves) return false;
        if (_way == Way.ReturnsNothing) _return(0, 0);
        if (_way == Way.ReturnsTwo) _return(2, 32);
        if (_way == Way.ReturnsOneByte) _return(1, 1);
        if (_way == Way.ReturnsALot) _return(1, 100_000);
        return true;
    }

    function _return(uint256 word, uint256 length) private pure {
        assembly {
            mstore(0, word)
            return(0, length)
        }
    }
}
