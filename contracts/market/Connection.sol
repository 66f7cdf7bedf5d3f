// SPDX-License-Identifier: MIT
pragma solidity ^0.8.37;

import {Ending, IConnection, Reading, State} from "../IMarket.sol";
import {AccountSlotLib} from "./AccountSlot.sol";
import {AuctionBook} from "./AuctionBook.sol";
import {StandingBid, Terms} from "./AuctionSlots.sol";
import {Ledger} from "./Ledger.sol";
import {Signatures} from "./Signatures.sol";

/// @title Connection: from the award to the payment
/// @dev A connection is left in exactly one of five ways, each of which frees the reserve and the bond at once. What
/// both agree on is paid and costs nobody anything. Where they do not agree, nothing can be proven: both lose the same,
/// it is burnt, and so nobody gains by another's loss.
abstract contract Connection is Ledger, AuctionBook, Signatures, IConnection {
    /// @inheritdoc IConnection
    function accessToken(uint256 auctionId) external view returns (bytes32) {
        (, Terms terms, StandingBid bid) = _require(auctionId, State.Connected);
        return _token(auctionId, terms, bid);
    }

    /// @inheritdoc IConnection
    function endConnection(uint256 auctionId) external {
        (Entry storage entry, Terms terms, StandingBid bid) = _require(auctionId, State.Connected);
        if (msg.sender != _consumer(auctionId)) revert NotConsumer(msg.sender, _consumer(auctionId));

        _close(entry, terms);
        _leave(auctionId, terms, bid, Ending.Paid, uint32(terms.energyWh()), 0, 0);
    }

    /// @inheritdoc IConnection
    function settle(Reading calldata reading, bytes calldata consumerSignature, bytes calldata providerSignature)
        external
    {
        (Entry storage entry, Terms terms, StandingBid bid) = _require(reading.auctionId, State.Connected);
        _requireConsents(reading, bid.provider(), consumerSignature, providerSignature);

        _close(entry, terms);
        _pay(reading, terms, bid);
    }

    /// @inheritdoc IConnection
    function forfeit(uint256 auctionId) external {
        (Entry storage entry, Terms terms, StandingBid bid) = _require(auctionId, State.Connected);
        _requireProvider(bid);

        _close(entry, terms);
        // Twice what waiting for the expiry costs: else a consumer that stays away would be paid for it.
        _leave(auctionId, terms, bid, Ending.Forfeited, 0, 2 * _penalty(terms.reserve()), 0);
    }

    /// @inheritdoc IConnection
    function expireConnection(uint256 auctionId) external {
        (Entry storage entry, Terms terms, StandingBid bid) = _require(auctionId, State.Connected);
        uint256 expiry = terms.since() + terms.validity() + _SETTLEMENT_WINDOW;
        // slither-disable-next-line timestamp (hours: no proposer shifts that)
        if (block.timestamp < expiry) revert ConnectionNotExpired(expiry, block.timestamp);

        _close(entry, terms);
        _leave(auctionId, terms, bid, Ending.Expired, 0, _penalty(terms.reserve()), 0);
    }

    function _pay(Reading calldata reading, Terms terms, StandingBid bid) private {
        uint256 contracted = terms.energyWh();
        if (reading.energyWh > contracted) revert EnergyAboveContract(uint256(reading.energyWh), contracted);

        Ending how = Ending.Agreed;
        // slither-disable-next-line uninitialized-local (nothing, unless somebody has stopped)
        uint256 loss;
        if (!reading.last && reading.energyWh != contracted) {
            // Somebody has stopped, and nobody can prove who: both lose by the energy that is missing.
            how = Ending.Short;
            loss = _share(_penalty(terms.reserve()), contracted - reading.energyWh, contracted);
        }
        _leave(reading.auctionId, terms, bid, how, reading.energyWh, loss, reading.meterDataHash);
    }

    /// @dev The one way out of Connected: the reserve and the bond go back, each more or less what is due.
    function _leave(
        uint256 auctionId,
        Terms terms,
        StandingBid bid,
        Ending how,
        uint32 energyWh,
        uint256 penalty_,
        bytes32 meterDataHash
    ) private {
        uint256 cost = bid.cost(energyWh);
        _free(auctionId, terms.reserve(), bid.provider(), how, cost, penalty_);
        emit ConnectionEnded(
            auctionId, _consumer(auctionId), bid.provider(), how, energyWh, cost, penalty_, meterDataHash
        );
    }

    function _free(uint256 auctionId, uint256 reserve_, address provider, Ending how, uint256 cost, uint256 penalty_)
        private
    {
        uint256 toConsumer = reserve_ - cost;
        uint256 toProvider = _bond(reserve_) + cost - penalty_;
        uint256 count = 0;
        if (how == Ending.Forfeited) {
            toConsumer += penalty_;
        } else if (penalty_ == 0) {
            // A meeting without a charge is no completed one, and neither is a charge that somebody broke off.
            if (cost != 0) count = AccountSlotLib.COMPLETED;
        } else {
            if (how == Ending.Expired) count = AccountSlotLib.NO_SHOW;
            toConsumer -= penalty_;
            // Whoever was paid instead could be one of the two in disguise.
            _credit(_BURNT, 2 * penalty_);
        }
        _credit(_consumer(auctionId), toConsumer, count);
        _credit(provider, toProvider, count);
    }

    /// @dev Both sides consent to a reading, each by its signature or by being the caller.
    function _requireConsents(
        Reading calldata reading,
        address provider,
        bytes calldata consumerSignature,
        bytes calldata providerSignature
    ) private view {
        address consumer = _consumer(reading.auctionId);
        bytes32 digest = _hashReading(reading, consumer, provider);
        if (msg.sender != consumer) _requireParty(consumer, reading.auctionId, digest, consumerSignature);
        if (msg.sender != provider) _requireParty(provider, reading.auctionId, digest, providerSignature);
    }

    function _requireProvider(StandingBid bid) internal view {
        if (msg.sender != bid.provider()) revert NotProvider(msg.sender, bid.provider());
    }

    function _token(uint256 auctionId, Terms terms, StandingBid bid) internal pure returns (bytes32) {
        return keccak256(abi.encode(_consumer(auctionId), bid.provider(), terms.since(), terms.validity()));
    }
}
