// SPDX-License-Identifier: MIT
pragma solidity ^0.8.37;

import {IERC1271} from "@openzeppelin/contracts/interfaces/IERC1271.sol";
import {Address} from "@openzeppelin/contracts/utils/Address.sol";
import {Nonces} from "@openzeppelin/contracts/utils/Nonces.sol";
import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";
import {SignerEIP7702} from "@openzeppelin/contracts/utils/cryptography/signers/SignerEIP7702.sol";

/// @title What an EV's account delegates to (EIP-7702), so that somebody else can pay its gas
/// @notice Anyone may bring the calls that the account's own key has signed. Nobody, whoever deployed this and whoever
/// pays included, can have the account do anything else: there is no owner, no switch and no second key.
/// @dev What an account keeps for one delegate is still there for the next one. So the nonces are not in the first
/// slots, which other delegates write too: a nonce put back would let an order run again. Where: ERC-7201, of
/// "V2VSponsoredAccount".
contract SponsoredAccount layout at 0xbb7091daa1ef62f7c0a20e158af5ba6d4e3523667f2ad53ea89e11784c62e400
    is
    SignerEIP7702,
    EIP712,
    Nonces,
    IERC1271
{
    /// @notice One call that the account makes.
    struct Call {
        /// @dev Who is called.
        address to;
        /// @dev Of the account's own ether, wei.
        uint256 value;
        /// @dev What with.
        bytes data;
    }

    /// @notice The signature was valid until `deadline`, and it is `timestamp` now.
    error SignatureExpired(uint256 deadline, uint256 timestamp);
    /// @notice The account's own key has not signed these calls with the nonce that is next.
    error InvalidSignature();

    bytes32 private constant _CALL = keccak256("Call(address to,uint256 value,bytes data)");
    bytes32 private constant _BATCH =
        keccak256("Batch(Call[] calls,uint256 nonce,uint256 deadline)Call(address to,uint256 value,bytes data)");

    constructor() EIP712("V2VSponsoredAccount", "1") {}

    /// @notice An account takes ether as it did before it delegated.
    receive() external payable {}

    /// @notice Makes the calls that the account has signed, all or none, in its name: anyone may send them.
    /// @param calls What to do, in this order. None voids whatever else was signed with the same nonce.
    /// @param deadline The last second in which the signature is valid.
    /// @param signature Over `Batch(calls, nonce, deadline)`, where nonce is `nonces(account)`, in the domain of the
    /// account: 65 bytes.
    function execute(Call[] calldata calls, uint256 deadline, bytes calldata signature) external {
        // slither-disable-next-line timestamp (the signer chose the second)
        if (block.timestamp > deadline) revert SignatureExpired(deadline, block.timestamp);
        bytes32 digest =
            _hashTypedDataV4(keccak256(abi.encode(_BATCH, _hash(calls), _useNonce(address(this)), deadline)));
        if (!_rawSignatureValidation(digest, signature)) revert InvalidSignature();

        for (uint256 i = 0; i < calls.length; ++i) {
            // slither-disable-next-line unused-return (what fails reverts; nobody asks what else is given)
            Address.functionCallWithValue(calls[i].to, calls[i].data, calls[i].value);
        }
    }

    /// @notice Whether the account's own key has signed: for contracts, such as tokens, that ask an account with code
    /// instead of recovering the key.
    /// @inheritdoc IERC1271
    function isValidSignature(bytes32 hash, bytes calldata signature) external view returns (bytes4) {
        return _rawSignatureValidation(hash, signature) ? IERC1271.isValidSignature.selector : bytes4(0xffffffff);
    }

    /// @dev Of an array of structs, as EIP-712 has it.
    function _hash(Call[] calldata calls) private pure returns (bytes32) {
        bytes32[] memory hashes = new bytes32[](calls.length);
        for (uint256 i = 0; i < calls.length; ++i) {
            hashes[i] = keccak256(abi.encode(_CALL, calls[i].to, calls[i].value, keccak256(calls[i].data)));
        }
        return keccak256(abi.encodePacked(hashes));
    }
}
