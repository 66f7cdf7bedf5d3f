// SPDX-License-Identifier: MIT
pragma solidity ^0.8.37;

import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";
import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";

import {ISignatures, Reading} from "../IMarket.sol";
import {Terms} from "./AuctionSlots.sol";

/// @title Signatures: one typed struct for each role and purpose
/// @dev The key is recovered directly and the account's code never asked: an account that delegates its code after
/// signing (EIP-7702) cannot revoke what it has signed.
abstract contract Signatures is ISignatures, EIP712 {
    bytes32 private constant _BID = keccak256(
        "Bid(uint256 auctionId,uint256 energyWh,uint256 maxRate,uint256 validity,"
        "uint256 rate,uint256 nonce,uint256 deadline)"
    );
    bytes32 private constant _READING = keccak256(
        "Reading(uint256 auctionId,address consumer,address provider,uint256 energyWh,bytes32 meterDataHash,bool last)"
    );
    bytes32 private constant _SESSION_KEY = keccak256("SessionKey(uint256 auctionId,address key)");
    uint256 private constant _LENGTH = 65;

    constructor() EIP712("V2VMarket", "1") {}

    function _hashBid(uint256 auctionId, Terms terms, uint64 rate, uint256 nonce, uint256 deadline)
        internal
        view
        returns (bytes32)
    {
        return _hashTypedDataV4(
            keccak256(
                abi.encode(
                    _BID, auctionId, terms.energyWh(), terms.maxRate(), terms.validity(), rate, nonce, deadline
                )
            )
        );
    }

    function _hashReading(Reading calldata reading, address consumer, address provider)
        internal
        view
        returns (bytes32)
    {
        return _hashTypedDataV4(
            keccak256(
                abi.encode(
                    _READING,
                    reading.auctionId,
                    consumer,
                    provider,
                    reading.energyWh,
                    reading.meterDataHash,
                    reading.last
                )
            )
        );
    }

    /// @dev Refuses malleable (high-s) signatures and every length but 65 bytes.
    function _requireSigner(address expected, bytes32 digest, bytes calldata signature) internal pure {
        address signer = ECDSA.recoverCalldata(digest, signature);
        if (signer != expected) revert WrongSigner(expected, signer);
    }

    /// @dev As `_requireSigner`, or by a key that `party` has chosen for this one auction: its signature, and after it
    /// that of `party` over the key.
    function _requireParty(address party, uint256 auctionId, bytes32 digest, bytes calldata signature) internal view {
        if (signature.length == 2 * _LENGTH) {
            address key = ECDSA.recoverCalldata(digest, signature[:_LENGTH]);
            bytes32 delegation = _hashTypedDataV4(keccak256(abi.encode(_SESSION_KEY, auctionId, key)));
            _requireSigner(party, delegation, signature[_LENGTH:]);
        } else {
            _requireSigner(party, digest, signature);
        }
    }
}
