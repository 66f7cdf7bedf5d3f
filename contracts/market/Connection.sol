// SPDX-License-Identifier: MIT
pragma solidity ^0.8.37;

import {IConnection, State} from "../IV2VMarket.sol";
import {AccountSlotLib} from "./AccountSlot.sol";
import {AuctionBook} from "./AuctionBook.sol";
import {StandingBid, Terms} from "./AuctionSlots.sol";
import {Ledger} from "./Ledger.sol";
import {Signatures} from "./Signatures.sol";

/// @title Connection: from the award to the payment
/// @dev A connection is left in exactly one of five ways, each of which frees the reserve and the bond at once. Who
/// provably breaks the deal pays the other; where nothing can be proven, both lose the same and nobody gains.
abstract contract Connection is Ledger, AuctionBook, Signatures, IConnection {
    /// @inheritdoc IConnection
    function accessToken(uint256 auctionId) external view returns (bytes32) {
        (, Terms terms, StandingBid bid) = _require(auctionId, State.Connected);
        return _token(auctionId, terms, bid);
    }

    /// @inheritdoc IConnection
    function endConnection() external {
        (uint256 auctionId, Entry storage entry, Terms terms, StandingBid bid) = _current(msg.sender, State.Connected);

        _pay(auctionId, entry, terms, bid, uint32(terms.energyWh()), 0);
    }

    /// @inheritdoc IConnection
    function endConnection(uint32 energyWh, bytes32 meterDataHash, bytes calldata providerSignature) external {
        (uint256 auctionId, Entry storage entry, Terms terms, StandingBid bid) = _current(msg.sender, State.Connected);
        bytes32 digest = hashSettlement(_token(auctionId, terms, bid), energyWh, meterDataHash);
        _requireSigner(bid.provider(), digest, providerSignature);

        _pay(auctionId, entry, terms, bid, energyWh, meterDataHash);
    }

    /// @inheritdoc IConnection
    function settle(uint256 auctionId, uint32 energyWh, bytes32 meterDataHash, bytes calldata consumerSignature)
        external
    {
        (Entry storage entry, Terms terms, StandingBid bid) = _require(auctionId, State.Connected);
        // Not the consumer: it would submit the first and smallest receipt that it signed.
        _requireProvider(bid);
        bytes32 digest = hashMeteringReceipt(_token(auctionId, terms, bid), energyWh, meterDataHash);
        _requireSigner(_consumer(auctionId), digest, consumerSignature);

        _pay(auctionId, entry, terms, bid, energyWh, meterDataHash);
    }

    /// @inheritdoc IConnection
    function forfeit(uint256 auctionId) external {
        (Entry storage entry, Terms terms, StandingBid bid) = _require(auctionId, State.Connected);
        _requireProvider(bid);

        uint256 reserve_ = terms.reserve();
        uint256 penalty_ = _penalty(reserve_);
        _free(auctionId, entry, bid, reserve_ + penalty_, _bond(reserve_) - penalty_, 0);
        emit ConnectionForfeited(auctionId, msg.sender, penalty_);
    }

    /// @inheritdoc IConnection
    function expireConnection(uint256 auctionId) external {
        (Entry storage entry, Terms terms, StandingBid bid) = _require(auctionId, State.Connected);
        uint256 expiry = terms.since() + terms.validity() + _SETTLEMENT_WINDOW;
        // slither-disable-next-line timestamp (hours: no proposer shifts that)
        if (block.timestamp < expiry) revert ConnectionNotExpired(expiry, block.timestamp);

        uint256 reserve_ = terms.reserve();
        uint256 penalty_ = _penalty(reserve_);
        _free(auctionId, entry, bid, reserve_ - penalty_, _bond(reserve_) - penalty_, AccountSlotLib.NO_SHOW);
        // Whoever was paid instead could be one of the two in disguise.
        _credit(_BURNT, 2 * penalty_);
        emit ConnectionExpired(auctionId, bid.provider(), penalty_);
    }

    function _pay(
        uint256 auctionId,
        Entry storage entry,
        Terms terms,
        StandingBid bid,
        uint32 energyWh,
        bytes32 meterDataHash
    ) private {
        if (energyWh > terms.energyWh()) {
            revert EnergyAboveContract(uint256(energyWh), terms.energyWh());
        }

        uint256 reserve_ = terms.reserve();
        uint256 cost = bid.cost(energyWh);
        // A meeting without a charge frees both, and is no completed charge.
        uint256 count = energyWh == 0 ? 0 : AccountSlotLib.COMPLETED;
        _free(auctionId, entry, bid, reserve_ - cost, _bond(reserve_) + cost, count);
        emit ConnectionEnded(auctionId, bid.provider(), energyWh, cost, meterDataHash);
    }

    /// @dev The one way out of Connected: the reserve and the bond go back, each more or less what is due.
    function _free(
        uint256 auctionId,
        Entry storage entry,
        StandingBid bid,
        uint256 toConsumer,
        uint256 toProvider,
        uint256 count
    ) private {
        _clearBid(entry, bid);
        _credit(_consumer(auctionId), toConsumer, count);
        _credit(bid.provider(), toProvider, count);
    }

    function _requireProvider(StandingBid bid) internal view {
        if (msg.sender != bid.provider()) revert NotProvider(msg.sender, bid.provider());
    }

    function _token(uint256 auctionId, Terms terms, StandingBid bid) internal pure returns (bytes32) {
        return keccak256(abi.encode(_consumer(auctionId), bid.provider(), terms.since(), terms.validity()));
    }
}
