// SPDX-License-Identifier: MIT
pragma solidity ^0.8.37;

import {Account, AuctionInfo} from "../IMarket.sol";
import {V2VMarket} from "../V2VMarket.sol";

/// @dev What the views of a market say of itself.
struct MarketView {
    uint256 ether_;
    address owner;
    address pendingOwner;
    bool active;
    uint256 numberOfEVs;
}

/// @dev What the views say of one account, and of its current auction as a consumer.
// solhint-disable-next-line gas-struct-packing
struct AccountView {
    uint256 wallet;
    Account account;
    bool isEV;
    uint256 auctionId;
    AuctionInfo auction;
    uint256 reserve;
    uint256 bond;
    uint256 penalty;
    bytes32 token;
    /// Whether there is a token.
    bool connected;
}

/// @title Everything that a market's views say, in one call: for tests that look after every step
contract MarketLens {
    function look(V2VMarket market, address[] calldata accounts)
        external
        view
        returns (MarketView memory whole, AccountView[] memory each)
    {
        whole = MarketView({
            ether_: address(market).balance,
            owner: market.owner(),
            pendingOwner: market.pendingOwner(),
            active: market.active(),
            numberOfEVs: market.numberOfEVs()
        });
        each = new AccountView[](accounts.length);
        for (uint256 i = 0; i < accounts.length; i++) {
            _look(market, accounts[i], each[i]);
        }
    }

    function _look(V2VMarket market, address account, AccountView memory seen) private view {
        seen.wallet = account.balance;
        seen.account = market.evs(account);
        seen.isEV = market.isEV(account);
        uint256 auctionId = market.currentAuctionId(account);
        seen.auctionId = auctionId;
        seen.auction = market.auctions(auctionId);
        seen.reserve = market.reserve(auctionId);
        seen.bond = market.bond(auctionId);
        seen.penalty = market.penalty(auctionId);
        try market.accessToken(auctionId) returns (bytes32 token) {
            (seen.token, seen.connected) = (token, true);
        } catch {
            // The view says nothing of an auction that is not connected.
        }
    }
}
