// SPDX-License-Identifier: MIT
pragma solidity ^0.8.37;

import {Ownable} from "@openzeppelin/contracts/access/Ownable.sol";

import {Parameters} from "./IMarket.sol";
import {IV2VMarket} from "./IV2VMarket.sol";
import {EtherLedger} from "./market/EtherLedger.sol";
import {OpenBidding} from "./market/OpenBidding.sol";
import {Rules} from "./market/Rules.sol";

/// @title V2V market: a reverse auction for energy between electric vehicles, paid in ether
/// @notice Read IMarket.sol and IV2VMarket.sol to use it; each room in market/ to audit it.
contract V2VMarket is IV2VMarket, EtherLedger, OpenBidding {
    /// @param organization Owner: an account or a multisig of the organization.
    /// @param parameters_ The rules of this market, for ever.
    constructor(address organization, Parameters memory parameters_) Ownable(organization) Rules(parameters_) {}
}
