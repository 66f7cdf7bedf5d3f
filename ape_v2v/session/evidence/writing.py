"""A dossier as a file: JSON with all of it, SAFE XML with the meter's records, CSV for a sheet."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING
from xml.etree import ElementTree

from eth_utils.conversions import to_hex
from eth_utils.crypto import keccak

from ape_v2v.errors import V2VError

if TYPE_CHECKING:
    from collections.abc import Callable

    from ape_v2v.session.evidence.dossier import Dossier, ReadingPart

_OCMF = b"OCMF|"
_COLUMNS = (
    "at",
    "energyWh",
    "powerW",
    "acknowledged",
    "costWei",
    "meterDataHash",
    "meterRecord",
    "signature",
)


def written(dossier: Dossier, form: str) -> str:
    """A dossier as a text, in one of `FORMATS`.

    Raises:
        V2VError: This format cannot say it.
    """
    return _WRITERS[form](dossier)


def _json(dossier: Dossier) -> str:
    return dossier.model_dump_json(by_alias=True, indent=1) + "\n"


def _csv(dossier: Dossier) -> str:
    agreement = dossier.agreed.agreement
    acknowledged = {receipt.energy_wh for receipt in dossier.receipts}
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(_COLUMNS)
    for reading in dossier.readings:
        writer.writerow(
            (
                reading.at,
                reading.energy_wh,
                reading.power_w,
                "yes" if reading.energy_wh in acknowledged else "no",
                int(agreement.cost(reading.energy_wh)),
                to_hex(keccak(reading.meter_record)),
                reading.meter_record.decode(errors="replace"),
                to_hex(reading.signature),
            )
        )
    return out.getvalue()


def _safe(dossier: Dossier) -> str:
    """As the Transparenzsoftware reads it: the first record and the last one that was signed for.

    Both belong to one transaction, whose energy is their difference.
    """
    signed = [one for one in dossier.readings if one.meter_record.startswith(_OCMF)]
    if not signed:
        raise V2VError(
            "the meter of this session signs no OCMF records, and SAFE XML holds nothing else: "
            "export it as json or csv"
        )
    root = ElementTree.Element("values")
    acknowledged = {receipt.energy_wh for receipt in dossier.receipts}
    paid = [one for one in signed if one.energy_wh in acknowledged] or signed
    ends = {"Transaction.Begin": signed[0], "Transaction.End": paid[-1]}
    for context, reading in ends.items():
        root.append(_value(dossier, reading, context))
    ElementTree.indent(root)
    text = ElementTree.tostring(root, encoding="unicode")
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{text}\n'


def _value(dossier: Dossier, reading: ReadingPart, context: str) -> ElementTree.Element:
    transaction = str(int.from_bytes(dossier.agreed.token[:4]))
    value = ElementTree.Element("value", transactionId=transaction, context=context)
    data = ElementTree.SubElement(value, "signedData", format="OCMF", encoding="plain")
    data.text = reading.meter_record.decode()
    key = None if dossier.meter is None else dossier.meter.public_key
    if key is not None:
        ElementTree.SubElement(value, "publicKey", encoding="plain").text = key.strip()
    return value


_WRITERS: dict[str, Callable[[Dossier], str]] = {"json": _json, "safe": _safe, "csv": _csv}
FORMATS = tuple(_WRITERS)
"""What a dossier can be written as."""
