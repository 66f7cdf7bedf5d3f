// SPDX-License-Identifier: MIT
pragma solidity ^0.8.37;

import {Ownable, Ownable2Step} from "@openzeppelin/contracts/access/Ownable2Step.sol";

import {IRegistry} from "../IMarket.sol";
import {Accounts} from "./Accounts.sol";

/// @dev Comes before Ownable, so that the owner's address shares its slot: a call of the organization finds all that
/// it checks and counts with one access.
abstract contract Status {
    // slot 0, together with the owner; the pending owner is slot 1
    bool internal _active = true;
    uint32 internal _numberOfEVs;
}

/// @title Registry: the organization decides who may take part, and nothing else
abstract contract Registry is Status, Ownable2Step, Accounts, IRegistry {
    uint256 private constant _MAX_TEXT_BYTES = 512;

    /// @inheritdoc IRegistry
    function addEV(address ev, string calldata infos) external onlyOwner {
        _requireActive();
        _addEV(ev, infos);
    }

    /// @inheritdoc IRegistry
    function addEVs(address[] calldata accounts, string[] calldata infos) external onlyOwner {
        _requireActive();
        if (accounts.length != infos.length) revert BatchLengthMismatch(accounts.length, infos.length);
        for (uint256 i = 0; i < accounts.length; i++) {
            _addEV(accounts[i], infos[i]);
        }
    }

    /// @inheritdoc IRegistry
    function removeEV(address ev) external onlyOwner {
        _requireEV(ev);

        _accounts[ev] = _accounts[ev].withAddedAt(0);
        _numberOfEVs--;
        emit EVRemoved(ev);
    }

    /// @inheritdoc IRegistry
    function setActive(bool active_) external onlyOwner {
        _setActive(active_);
    }

    /// @inheritdoc IRegistry
    function changeStatus() external onlyOwner {
        _setActive(!_active);
    }

    /// @notice Refused always: see {IRegistry-OwnershipCannotBeRenounced}.
    function renounceOwnership() public pure override(Ownable) {
        revert OwnershipCannotBeRenounced();
    }

    /// @inheritdoc IRegistry
    function numberOfEVs() external view returns (uint256) {
        return _numberOfEVs;
    }

    /// @inheritdoc IRegistry
    function active() external view returns (bool) {
        return _active;
    }

    function _setActive(bool active_) private {
        _active = active_;
        emit StatusChanged(active_);
    }

    function _addEV(address ev, string calldata infos) private {
        if (ev == _BURNT || ev == address(this)) revert InvalidEV(ev);
        if (isEV(ev)) revert AlreadyEV(ev);
        _requireShort(infos);

        _accounts[ev] = _accounts[ev].withAddedAt(uint40(block.timestamp));
        // slither-disable-next-line costly-loop (a warm slot; counted where an EV is added, and nowhere else)
        _numberOfEVs++;
        emit EVAdded(ev, infos);
    }

    function _requireActive() internal view {
        if (!_active) revert MarketClosed();
    }

    function _requireShort(string calldata text) internal pure {
        uint256 length = bytes(text).length;
        if (length > _MAX_TEXT_BYTES) revert TextTooLong(length, _MAX_TEXT_BYTES);
    }
}
