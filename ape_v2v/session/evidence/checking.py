"""A file that was exported, checked without asking anybody: signatures, hashes, and what fits."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from eth_utils.crypto import keccak
from pydantic import ValidationError

from ape_v2v.errors import V2VError
from ape_v2v.metering.signed import payloads
from ape_v2v.metering.signed.envelopes import opened
from ape_v2v.metering.signed.keys import read_public_key
from ape_v2v.session.evidence.dossier import Dossier
from ape_v2v.session.protocol import charging
from ape_v2v.session.protocol.evidence import Evidence
from ape_v2v.session.protocol.signing import require_signer
from ape_v2v.session.store import PeerMeter
from ape_v2v.validation import first_words

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from ape_v2v.session.evidence.dossier import EndPart

_FULL = "paid"


@dataclass(frozen=True)
class Check:
    """One thing that was checked."""

    what: str
    count: int
    """Of how many."""
    problem: str | None = None
    """What is wrong with the first that is; None when nothing is."""

    def as_json(self) -> dict[str, Any]:
        """For programs."""
        return {"what": self.what, "count": self.count, "problem": self.problem}


def check_file(data: bytes, public_key: str | None = None) -> list[Check]:
    """Check an exported file, JSON or XML.

    Args:
        data: The file.
        public_key: The provider's meter's, from where it can be trusted; else the one in the file
            is taken, which nobody vouches for.

    Raises:
        V2VError: It is no such file, or the key is none.
    """
    if data.lstrip().startswith(b"{"):
        return _of_dossier(read_dossier(data), public_key)
    if is_xml(data):
        return _of_records(data, public_key)
    raise V2VError(
        "this is no evidence that can be checked: expected what `session export` writes as json, "
        "or SAFE XML; a CSV file is for reading only"
    )


def is_xml(data: bytes) -> bool:
    """Whether a file is XML: SAFE XML, as `session export` writes it."""
    return data.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<")


def read_dossier(data: bytes) -> Dossier:
    """What was exported as JSON.

    Raises:
        V2VError: It is something else.
    """
    try:
        return Dossier.received(data)
    except ValidationError as error:
        raise V2VError(
            f"this is no evidence of a session: {first_words(error)}; expected what `session "
            "export` writes as json, or SAFE XML"
        ) from error


def _of_records(data: bytes, public_key: str | None) -> list[Check]:
    records = opened(data)

    def check(enclosed: Any) -> None:
        key = public_key or enclosed.public_key
        if key is None:
            raise V2VError("no key came with the record: give the meter's with --meter-key")
        serial = payloads.unverified(enclosed.record).serial or "the meter"
        payloads.read(enclosed.record, read_public_key(key), serial)

    return [_checked("records signed by the meter", records, check)]


def _of_dossier(dossier: Dossier, public_key: str | None) -> list[Check]:
    agreement = dossier.agreed.agreement
    hashes = {one.energy_wh: keccak(one.meter_record) for one in dossier.readings}

    def reading(one: Any) -> None:
        message = charging.meter_value(agreement, one.energy_wh, keccak(one.meter_record))
        require_signer(message, one.signature, agreement.provider, agreement.auction_id)

    def receipt(one: Any) -> None:
        message = charging.receipt(agreement, one.energy_wh, one.meter_data_hash, last=one.last)
        require_signer(message, one.signature, agreement.consumer, agreement.auction_id)
        if hashes.get(one.energy_wh) != one.meter_data_hash:
            raise V2VError(f"the receipt for {one.energy_wh} Wh is for no reading that is here")

    def settlement(one: Any) -> None:
        message = charging.settlement(agreement, one.energy_wh, one.meter_data_hash)
        require_signer(message, one.signature, agreement.provider, agreement.auction_id)
        if one.energy_wh > max((receipt.energy_wh for receipt in dossier.receipts), default=0):
            raise V2VError(f"the settlement says {one.energy_wh} Wh, above every receipt")

    return [
        _of_the_meter(dossier, public_key),
        _checked("readings signed by the provider", dossier.readings, reading),
        _checked("receipts signed by the consumer", dossier.receipts, receipt),
        _checked("settlements signed by the provider", _some(dossier.settlement), settlement),
        _checked(
            "ends on the chain that fit",
            _some(dossier.end),
            lambda end: require_paid_as_signed(dossier, end),
        ),
    ]


def _of_the_meter(dossier: Dossier, public_key: str | None) -> Check:
    text = public_key or (None if dossier.meter is None else dossier.meter.public_key)
    key = None if text is None else read_public_key(text)
    meter = dossier.meter
    evidence = Evidence(None if meter is None else PeerMeter(meter.meter_id, meter.start_wh), key)
    most = dossier.agreed.energy_wh

    def record(one: Any) -> None:
        evidence.check(one.meter_record, one.energy_wh, most)

    what = "records that are plausible" if key is None else "records signed by the meter"
    return _checked(what, dossier.readings, record)


def require_paid_as_signed(dossier: Dossier, end: EndPart) -> None:
    """Refuse an end by which something else is paid than was signed, at the rate agreed on.

    Raises:
        V2VError: What does not fit.
    """
    agreement = dossier.agreed.agreement
    cost, unit = int(agreement.cost(end.energy_wh)), agreement.paid_in.base
    if end.energy_wh and end.cost != cost:
        raise V2VError(
            f"{end.cost} {unit} are said to be paid for {end.energy_wh} Wh: it is {cost}"
        )
    if not end.energy_wh and end.cost:
        raise V2VError(f"{end.cost} {unit} are said to be paid for nothing")
    signed = {(one.energy_wh, one.meter_data_hash) for one in dossier.receipts}
    in_full = end.how == _FULL and end.energy_wh == agreement.energy_wh
    if end.energy_wh and not in_full and (end.energy_wh, end.meter_data_hash) not in signed:
        raise V2VError(f"{end.energy_wh} Wh are said to be paid, and there is no receipt for that")


def _some(one: Any) -> list[Any]:
    return [] if one is None else [one]


def _checked(what: str, things: Iterable[Any], check: Callable[[Any], None]) -> Check:
    problem, count = None, 0
    for thing in things:
        count += 1
        try:
            check(thing)
        except V2VError as error:
            problem = problem or str(error)
    return Check(what, count, problem)
