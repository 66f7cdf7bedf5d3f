// SPDX-License-Identifier: MIT
pragma solidity ^0.8.37;

import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";
import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";

import {ISignatures} from "../IV2VMarket.sol";

/// @title Signatures: one typed struct for each role and purpose
/// @dev The key is recovered directly and the account's code never asked: an account that delegates its code after
/// signing (EIP-7702) cannot revoke what it has signed.
abstract contract Signatures is ISignatures, EIP712 {
    bytes32 private constant _BID = keccak256("Bid(uint256 auctionId,uint256 rate,uint256 nonce,uint256 deadline)");
    bytes32 private constant _ACCESS_TOKEN =
        keccak256("AccessToken(bytes32 token,bytes32 challengeEVC,bytes32 challengeEVP)");
    bytes32 private constant _SESSION_CHALLENGE = keccak256(
        "SessionChallenge(bytes32 token,bytes32 challengeEVC,bytes32 challengeEVP,bytes32 meterId,uint256 meterStartWh)"
    );
    bytes32 private constant _METERING_RECEIPT =
        keccak256("MeteringReceipt(bytes32 token,uint256 energyWh,bytes32 meterDataHash)");
    bytes32 private constant _METER_VALUE =
        keccak256("MeterValue(bytes32 token,uint256 energyWh,bytes32 meterDataHash)");
    bytes32 private constant _SETTLEMENT =
        keccak256("Settlement(bytes32 token,uint256 energyWh,bytes32 meterDataHash)");

    constructor() EIP712("V2VMarket", "1") {}

    /// @inheritdoc ISignatures
    function hashBid(uint256 auctionId, uint256 rate, uint256 nonce, uint256 deadline) public view returns (bytes32) {
        return _hashTypedDataV4(keccak256(abi.encode(_BID, auctionId, rate, nonce, deadline)));
    }

    /// @inheritdoc ISignatures
    function hashAccessToken(bytes32 token, bytes32 challengeEVC, bytes32 challengeEVP)
        external
        view
        returns (bytes32)
    {
        return _hashTypedDataV4(keccak256(abi.encode(_ACCESS_TOKEN, token, challengeEVC, challengeEVP)));
    }

    /// @inheritdoc ISignatures
    function hashSessionChallenge(
        bytes32 token,
        bytes32 challengeEVC,
        bytes32 challengeEVP,
        bytes32 meterId,
        uint256 meterStartWh
    ) external view returns (bytes32) {
        return _hashTypedDataV4(
            keccak256(abi.encode(_SESSION_CHALLENGE, token, challengeEVC, challengeEVP, meterId, meterStartWh))
        );
    }

    /// @inheritdoc ISignatures
    function hashMeteringReceipt(bytes32 token, uint256 energyWh, bytes32 meterDataHash)
        public
        view
        returns (bytes32)
    {
        return _hashMetering(_METERING_RECEIPT, token, energyWh, meterDataHash);
    }

    /// @inheritdoc ISignatures
    function hashMeterValue(bytes32 token, uint256 energyWh, bytes32 meterDataHash) external view returns (bytes32) {
        return _hashMetering(_METER_VALUE, token, energyWh, meterDataHash);
    }

    /// @inheritdoc ISignatures
    function hashSettlement(bytes32 token, uint256 energyWh, bytes32 meterDataHash) public view returns (bytes32) {
        return _hashMetering(_SETTLEMENT, token, energyWh, meterDataHash);
    }

    /// @dev Refuses malleable (high-s) signatures and every length but 65 bytes.
    function _requireSigner(address expected, bytes32 digest, bytes calldata signature) internal pure {
        address signer = ECDSA.recoverCalldata(digest, signature);
        if (signer != expected) revert WrongSigner(expected, signer);
    }

    function _hashMetering(bytes32 typeHash, bytes32 token, uint256 energyWh, bytes32 meterDataHash)
        private
        view
        returns (bytes32)
    {
        return _hashTypedDataV4(keccak256(abi.encode(typeHash, token, energyWh, meterDataHash)));
    }
}
