"""The car's key, chosen by its owner's phone: a link to scan, and the signature that comes back.

The phone leaves the signature in a mailbox of the service whose page it has opened. Neither the
link nor the signature is a secret: whoever has them has nothing without the key.
"""

from __future__ import annotations

import secrets
import time
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import httpx
from eip712 import hash_message
from eth_account.hdaccount.mnemonic import Mnemonic
from eth_account.types import Language

from ape_v2v.errors import V2VError
from ape_v2v.market.documents.document import DocumentError
from ape_v2v.market.documents.keys import KeyDocument
from ape_v2v.market.interface.messages import SessionKey
from ape_v2v.market.interface.refusals import Refused
from ape_v2v.market.interface.states import State
from ape_v2v.session.protocol.codes import ErrorCode, SessionError

if TYPE_CHECKING:
    from collections.abc import Callable

    from ape_v2v.market.connection import Connection

WAITS_SECONDS = 600.0
"""As long as a service keeps what was left with it."""
_LOOK_SECONDS = 1.0
_TIMEOUT = 10.0
_CODE_BYTES = 16
_WORDS, _BITS_OF_A_WORD = 4, 11
_MOST_BYTES = 4 * 1024


class Pairing:
    """One try to have the owner of a side choose a key: its link, its words, and what comes."""

    def __init__(self, connection: Connection, *, provider: bool, key: str, service: str) -> None:
        """Prepare what the phone is shown; nobody is asked.

        Args:
            connection: The one that the key shall sign for.
            provider: Whether it is the provider who chooses; else it is the consumer.
            key: The address of the car's account.
            service: Where the page for phones is served: `https://…`, or `http://…`.

        Raises:
            SessionError: The auction is not connected.
            V2VError: The service's address is none.
        """
        parsed = _parsed(service)
        info = connection.info
        if info.state is not State.CONNECTED:
            raise SessionError(
                ErrorCode.NOT_CONNECTED,
                f"auction {connection.id} is not connected: a car is paired after the award",
            )
        self._connection = connection
        self._key = key
        self._account = str(info.provider if provider else info.consumer)
        self._code = secrets.token_urlsafe(_CODE_BYTES)
        self._mailbox = f"{parsed}/api/v1/pair/{self._code}"
        asked = {
            "c": connection.market.node.chain_id,
            "m": connection.market.address,
            "a": connection.id,
            "k": key,
            "r": self._code,
        }
        self.link = f"{parsed}/#/pair?{urlencode(asked)}"
        """What the phone opens."""

    @property
    def words(self) -> str:
        """Four words of what is to be signed: the phone has to show the same."""
        message: Any = SessionKey  # its domain is a keyword that the class does not declare
        domain = self._connection.market.domain()
        typed = message(auctionId=self._connection.id, key=self._key, eip712_domain=domain)
        return check_words(hash_message(typed))

    def wait(
        self,
        trouble: Callable[[str], None] = lambda _: None,
        seconds: float = WAITS_SECONDS,
        look: float = _LOOK_SECONDS,
    ) -> KeyDocument:
        """Wait for the owner's signature over the key.

        Args:
            trouble: Told in a sentence what is in the way at the moment.
            seconds: How long to wait.
            look: After how many seconds the mailbox is looked into again.

        Raises:
            V2VError: Nothing came in time.
        """
        deadline = time.monotonic() + seconds
        with httpx.Client(timeout=_TIMEOUT) as http:
            while time.monotonic() < deadline:
                try:
                    if (document := self._look(http)) is not None:
                        return document
                except httpx.HTTPError as error:
                    trouble(f"the service does not answer: {str(error) or type(error).__name__}")
                except (DocumentError, Refused) as error:
                    trouble(f"what was left is not for this car: {' '.join(str(error).split())}")
                time.sleep(look)
        raise V2VError(
            "nobody has signed on the phone in time: start again for a new code; or copy the text "
            "that the phone shows to a file, and name it with --session-key"
        )

    def _look(self, http: httpx.Client) -> KeyDocument | None:
        """What the mailbox has, if it is the account's word for this key; None while empty."""
        with http.stream("GET", self._mailbox) as answer:
            if answer.status_code != httpx.codes.OK:
                if answer.status_code != httpx.codes.NOT_FOUND:
                    raise httpx.HTTPError(f"{answer.status_code} {answer.reason_phrase}")
                return None
            body = b""
            for chunk in answer.iter_bytes():
                body += chunk
                if len(body) > _MOST_BYTES:
                    raise httpx.HTTPError("its answer is too long")
        market = self._connection.market
        document = KeyDocument.of(
            body,
            chain_id=market.node.chain_id,
            market=market.address,
            auction_id=self._connection.id,
            account=self._account,
            key=self._key,
        )
        document.key_for(self._connection)
        return document


def check_words(digest: bytes) -> str:
    """The first bits of a hash as words of the list that BIP-39 has for English."""
    of_a_number = Mnemonic(Language.ENGLISH).wordlist
    bits = int.from_bytes(digest) >> (8 * len(digest) - _WORDS * _BITS_OF_A_WORD)
    places = (bits >> _BITS_OF_A_WORD * at for at in reversed(range(_WORDS)))
    return " ".join(of_a_number[place % 2**_BITS_OF_A_WORD] for place in places)


def _parsed(service: str) -> str:
    """The address of a service without a slash at its end."""
    try:
        url = httpx.URL(service)
    except httpx.InvalidURL as error:
        raise V2VError(f"{service!r} is no address of a service: {error}") from error
    if url.scheme not in {"http", "https"} or not url.host or url.query or url.fragment:
        raise V2VError(
            f"{service!r} is no address of a service: expected http:// or https:// and a host"
        )
    return str(url).rstrip("/")
