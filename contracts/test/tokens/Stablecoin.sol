// SPDX-License-Identifier: MIT
pragma solidity ^0.8.37;

import {ERC1967Proxy} from "@openzeppelin/contracts/proxy/ERC1967/ERC1967Proxy.sol";
import {ERC1967Utils} from "@openzeppelin/contracts/proxy/ERC1967/ERC1967Utils.sol";
import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";
import {ERC20Pausable} from "@openzeppelin/contracts/token/ERC20/extensions/ERC20Pausable.sol";
import {ERC3009} from "@openzeppelin/contracts/token/ERC20/extensions/draft-ERC3009.sol";
import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";

/// @title A stablecoin as issuers of money make them: for tests
/// @dev 6 decimals, EIP-3009, and an issuer that can pause it, block accounts, and put other code behind the proxy.
/// Everybody is the issuer here. What a constructor sets is not there behind a proxy, so nothing is set by one but what
/// is part of the code.
contract Stablecoin is ERC20Pausable, ERC3009 {
    error Blocked(address account);

    mapping(address account => bool) public blocked;

    constructor() ERC20("", "") EIP712("Test euro", "2") {}

    function mint(address account, uint256 amount) external {
        _mint(account, amount);
    }

    function setPaused(bool paused_) external {
        if (paused_) _pause();
        else _unpause();
    }

    function setBlocked(address account, bool blocked_) external {
        blocked[account] = blocked_;
    }

    function upgrade(address code) external {
        ERC1967Utils.upgradeToAndCall(code, "");
    }

    function name() public pure override returns (string memory) {
        return "Test euro";
    }

    function symbol() public pure override returns (string memory) {
        return "EURT";
    }

    function decimals() public pure override returns (uint8) {
        return 6;
    }

    function _update(address from, address to, uint256 amount) internal virtual override(ERC20, ERC20Pausable) {
        if (blocked[from]) revert Blocked(from);
        if (blocked[to]) revert Blocked(to);
        super._update(from, to, amount);
    }
}

/// @title What its issuer may make of it one day: each transfer costs its receiver a hundredth
contract StablecoinWithFee is Stablecoin {
    function _update(address from, address to, uint256 amount) internal override {
        super._update(from, to, amount);
        if (from != address(0) && to != address(0)) super._update(to, address(this), amount / 100);
    }
}

/// @title The address of a stablecoin, whatever code is behind it
contract StablecoinProxy is ERC1967Proxy {
    constructor(address code) ERC1967Proxy(code, "") {}

    /// @dev There is nothing to set.
    function _unsafeAllowUninitialized() internal pure override returns (bool) {
        return true;
    }
}
