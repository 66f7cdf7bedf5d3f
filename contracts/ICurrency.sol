// SPDX-License-Identifier: MIT
pragma solidity ^0.8.37;

import {IERC5267} from "@openzeppelin/contracts/interfaces/IERC5267.sol";
import {IERC3009} from "@openzeppelin/contracts/interfaces/draft-IERC3009.sol";
import {IERC20Errors} from "@openzeppelin/contracts/interfaces/draft-IERC6093.sol";
import {IERC20Metadata} from "@openzeppelin/contracts/token/ERC20/extensions/IERC20Metadata.sol";

/// @title What a token may have that a market is paid in
/// @notice For programs: the market itself calls IERC20 and IERC3009 only. Beyond ERC-20, any of it may be missing.
interface ICurrency is IERC20Metadata, IERC3009, IERC5267, IERC20Errors {
    /// @notice The version in the domain of its signatures; tokens that are older than ERC-5267 say it so.
    function version() external view returns (string memory);

    /// @notice The hash of the domain of its signatures.
    // solhint-disable-next-line func-name-mixedcase (as EIP-2612 names it)
    // slither-disable-next-line naming-convention (it is the name that EIP-2612 gives it)
    function DOMAIN_SEPARATOR() external view returns (bytes32);
}
