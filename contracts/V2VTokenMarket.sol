// SPDX-License-Identifier: MIT
pragma solidity ^0.8.37;

import {Ownable} from "@openzeppelin/contracts/access/Ownable.sol";

import {Parameters} from "./IMarket.sol";
import {IV2VTokenMarket} from "./IV2VTokenMarket.sol";
import {OpenBidding} from "./market/OpenBidding.sol";
import {Rules} from "./market/Rules.sol";
import {TokenLedger} from "./market/TokenLedger.sol";

/// @title V2V market: a reverse auction for energy between electric vehicles, paid in a token
/// @notice Read IMarket.sol and IV2VTokenMarket.sol to use it; each room in market/ to audit it.
// slither-disable-next-line locked-ether (what is payable refuses all ether: see TokenLedger)
contract V2VTokenMarket is IV2VTokenMarket, TokenLedger, OpenBidding {
    /// @param organization Owner: an account or a multisig of the organization.
    /// @param parameters_ The rules of this market, for ever.
    /// @param currency_ The token that it is paid in, for ever: an ERC-20 with at least 6 decimals.
    constructor(address organization, Parameters memory parameters_, address currency_)
        Ownable(organization)
        Rules(parameters_)
        TokenLedger(currency_)
    {}
}
