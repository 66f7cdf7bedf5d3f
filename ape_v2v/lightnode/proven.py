"""The proof that an auction is connected: from a trusted block to the access token."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from eth_utils.address import is_address, to_checksum_address
from eth_utils.conversions import to_hex
from eth_utils.crypto import keccak
from eth_utils.hexadecimal import decode_hex

from ape_v2v.errors import ConfigurationError
from ape_v2v.lightnode.answers import Data, parsed
from ape_v2v.lightnode.code import require_market
from ape_v2v.lightnode.faults import (
    NotConnected,
    StaleAuction,
    TokenExpired,
    UnknownBlock,
    WrongCode,
    WrongConsumer,
    WrongProvider,
    WrongTerms,
)
from ape_v2v.lightnode.header import Header
from ape_v2v.lightnode.proofs import ProvenAccount
from ape_v2v.market.interface.messages import access_token

if TYPE_CHECKING:
    from ape_v2v.lightnode.answers import Rpc

_BOOK_SLOT = 3  # the mapping `_book` in contracts/market/AuctionBook.sol
_ROUND_BITS = 32
_ID_BITS = 192  # an address and the round
_HASH_BYTES = 32


@dataclass(frozen=True)
class ProvenConnection:
    """A connection, as the trusted block has it."""

    token: bytes
    consumer: str
    provider: str
    energy_wh: int
    rate: int
    """Wei per Wh."""
    connected_at: int
    """Seconds since the epoch."""
    validity: int
    """Seconds."""
    block: Header
    """Since when it is known: what happened after this block is not."""

    @property
    def valid_until(self) -> int:
        """The first second in which the token admits to no session any more."""
        return self.connected_at + self.validity

    def require(self, **said: bytes | int | str) -> None:
        """Compare what somebody has said of the connection: names as here, and their values.

        Raises:
            WrongTerms: One of the values is not what is proven.
        """
        for name, value in said.items():
            proven = getattr(self, name)
            if _plain(value) != _plain(proven):
                raise WrongTerms(
                    f"the {name} of the connection is said to be {_plain(value)}, and it is proven "
                    f"to be {_plain(proven)}: whoever said so lies, or reads another block"
                )


def prove_connection(
    rpc: Rpc,
    market: str,
    auction_id: int,
    trusted_block: bytes | str | Header,
    *,
    code_hash: bytes | None = None,
    consumer: str | None = None,
    provider: str | None = None,
    now: int | None = None,
) -> ProvenConnection:
    """Prove that an auction is connected, with the help of a node that is not trusted.

    Args:
        rpc: Asks the node, as `ape_v2v.chain.node.Node.request` does. What it raises goes through.
        market: The market's address, which has to be known beforehand.
        auction_id: Of the auction.
        trusted_block: The hash of a block, or its header, that somebody trusted has given.
        code_hash: Keccak-256 of the market's code, as the record of its deployment has it. Without
            it the code is fetched and compared with the market that comes with this package.
        consumer: Who the consumer has to be, if that is known.
        provider: Who the provider has to be, if that is known.
        now: Seconds since the epoch, for the token's end; by default the time of the block.

    Raises:
        ConfigurationError: The trusted block's hash is none.
        ProofError: It cannot be proven, or is not so; each reason has a class of its own in
            `ape_v2v.lightnode.faults`.
    """
    _require_sensible(market, auction_id)
    header = trusted_block if isinstance(trusted_block, Header) else _header(rpc, trusted_block)
    first = int.from_bytes(keccak(_word(auction_id >> _ROUND_BITS) + _word(_BOOK_SLOT)))
    slots = [to_hex(_word(slot)) for slot in (first, first + 1)]
    answer = rpc("eth_getProof", [market, slots, hex(header.number)])
    account = ProvenAccount(market, header.state_root, answer)
    _require_code(rpc, account, header, code_hash)
    record = _Record(auction_id, terms=account.slot(first), bid=account.slot(first + 1))
    connection = record.connection(header)
    if consumer is not None and consumer.lower() != connection.consumer.lower():
        raise WrongConsumer(
            f"auction {auction_id} is that of {connection.consumer}, and not of {consumer}"
        )
    if provider is not None and provider.lower() != connection.provider.lower():
        raise WrongProvider(
            f"auction {auction_id} was awarded to {connection.provider}, and not to {provider}"
        )
    moment = header.timestamp if now is None else now
    if moment >= connection.valid_until:
        raise TokenExpired(
            f"the access token of auction {auction_id} was valid until "
            f"{_at(connection.valid_until)}, and it is {_at(moment)}: no session may begin"
        )
    return connection


@dataclass(frozen=True)
class _Record:
    """The two slots of a consumer's auction, as contracts/market/AuctionSlots.sol packs them."""

    auction_id: int
    terms: int
    bid: int

    def connection(self, header: Header) -> ProvenConnection:
        """What they say, if the auction is connected."""
        round_, energy = self._term(0, 32), self._term(32, 32)
        validity, closing_time, since = (
            self._term(128, 20),
            self._term(184, 36),
            self._term(220, 36),
        )
        consumer, provider = self.auction_id >> _ROUND_BITS, self.bid & (2**160 - 1)
        self._require_current(round_, header)
        if since < closing_time:
            raise NotConnected(
                f"auction {self.auction_id} is open in block {header.number}: it has not been "
                "awarded, or the trusted block is older than the award"
            )
        if not closing_time:
            raise NotConnected(
                f"auction {self.auction_id} is over in block {header.number}: nobody is connected"
            )
        parties = [to_checksum_address(party.to_bytes(20, "big")) for party in (consumer, provider)]
        return ProvenConnection(
            token=access_token(parties[0], parties[1], since, validity),
            consumer=parties[0],
            provider=parties[1],
            energy_wh=energy,
            rate=self.bid >> 160 & (2**64 - 1),
            connected_at=since,
            validity=validity,
            block=header,
        )

    def _require_current(self, round_: int, header: Header) -> None:
        asked = self.auction_id & (2**_ROUND_BITS - 1)
        if asked < round_:
            raise StaleAuction(
                f"auction {self.auction_id} is its consumer's round {asked}, and in block "
                f"{header.number} the round is {round_}: it is over"
            )
        if asked > round_ or not round_:
            raise NotConnected(
                f"auction {self.auction_id} had not been started in block {header.number}: check "
                "the id, and that the trusted block is not too old"
            )

    def _term(self, position: int, bits: int) -> int:
        return self.terms >> position & (2**bits - 1)


def _require_sensible(market: str, auction_id: int) -> None:
    if not is_address(market):
        raise ConfigurationError(f"the market's address is {market!r}: expected 0x and 40 digits")
    if not 0 <= auction_id < 2**_ID_BITS:
        raise NotConnected(
            f"{auction_id} is no auction's id: expected an address and a round, {_ID_BITS} bits"
        )


def _header(rpc: Rpc, trusted_hash: bytes | str) -> Header:
    try:
        hash_ = decode_hex(trusted_hash) if isinstance(trusted_hash, str) else bytes(trusted_hash)
    except ValueError:
        hash_ = b""
    if len(hash_) != _HASH_BYTES:
        raise ConfigurationError(
            f"the trusted block is {trusted_hash!r}: expected its hash, 0x and 64 hexadecimal "
            "digits, or its header"
        )
    answer = rpc("eth_getBlockByHash", [to_hex(hash_), False])
    if answer is None:
        raise UnknownBlock(
            f"the node does not know the trusted block {to_hex(hash_)}: it is behind, on another "
            "chain, or the block was replaced; ask another node, or get a newer hash"
        )
    return Header.trusted(answer, hash_)


def _require_code(
    rpc: Rpc, account: ProvenAccount, header: Header, code_hash: bytes | None
) -> None:
    if code_hash is not None:
        if account.code_hash != code_hash:
            raise WrongCode(
                f"the code at {account.address} hashes to {to_hex(account.code_hash)}, expected "
                f"{to_hex(code_hash)}: check the market's address"
            )
        return
    answer = rpc("eth_getCode", [account.address, hex(header.number)])
    code: bytes = parsed(Data, answer, "a contract's code")
    if keccak(code) != account.code_hash:
        raise WrongCode(
            f"the node gives a code of {account.address} that hashes to {to_hex(keccak(code))}, "
            f"and it is proven that it hashes to {to_hex(account.code_hash)}: the node lies; ask "
            "another one"
        )
    require_market(account.address, code)


def _plain(value: bytes | int | str) -> str | int:
    """A value as text that is the same however it is written."""
    if isinstance(value, int):
        return int(value)
    return to_hex(value) if isinstance(value, bytes) else value.lower()


def _word(value: int) -> bytes:
    return value.to_bytes(_HASH_BYTES, "big")


def _at(timestamp: int) -> str:
    return f"{datetime.fromtimestamp(timestamp, UTC):%Y-%m-%d %H:%M:%S} UTC"
