// SPDX-License-Identifier: MIT
pragma solidity ^0.8.37;

import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";

/// @title A token for tests: everybody mints
contract TestToken is ERC20("Test token", "TEST") {
    function mint(address account, uint256 amount) external {
        _mint(account, amount);
    }
}
