"""What both sides of a session are told: where receipts are kept, and by which meter."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import ape
import click

from ape_v2v._cli.light import light_option
from ape_v2v._cli.shared.commands import account_option
from ape_v2v._cli.shared.parameters import DURATION, ENERGY, HASH, DocumentType
from ape_v2v.market.documents.keys import KeyDocument
from ape_v2v.session.terms import Limits
from ape_v2v.units import format_duration

if TYPE_CHECKING:
    from collections.abc import Callable

    from ape_v2v.metering.equipment import Equipment

FILE = click.Path(dir_okay=False, path_type=Path)
OWN_KEY = "own"
_FOLDER = Path("v2v") / "sessions"
PART = click.FloatRange(0, 1, max_open=True)

STORE = click.option(
    "--store",
    "store_path",
    metavar="FILE",
    type=FILE,
    help="Where receipts are kept.  [default: one for each account, in Ape's data folder]",
)


class _KeyOption(click.ParamType):
    """Nothing, for a key of the session's own, or a file that chooses one."""

    name = "file"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> KeyDocument | str:
        if value == OWN_KEY:
            return OWN_KEY
        document = DocumentType(KeyDocument).convert(value, param, ctx)
        assert isinstance(document, KeyDocument), "it reads no other"
        return document


def keys(chosen: KeyDocument | str | None) -> dict[str, Any]:
    """The settings that --session-key makes."""
    if isinstance(chosen, KeyDocument):
        return {"chosen_key": chosen.text()}
    return {"session_key": chosen is not None}


def default_store(address: str) -> Path:
    """Where an account's sessions are kept unless told otherwise."""
    return Path(ape.config.DATA_FOLDER) / _FOLDER / f"{address}.sqlite"


SPONSOR = click.option(
    "--sponsor",
    "sponsor_url",
    metavar="URL",
    help="Sign only: the sponsor that serves there sends what settles, and pays the gas.",
)


def side(function: Callable[..., None]) -> Callable[..., None]:
    """Give a command what both sides have: an account, a store, a meter."""
    options = (
        account_option(),
        STORE,
        SPONSOR,
        click.option(
            "--session-key",
            metavar="[FILE]",
            type=_KeyOption(),
            is_flag=False,
            flag_value=OWN_KEY,
            help="The account signs once, for a key of this session's own that signs all the rest; "
            "with a FILE of `connection sign-key`, the account is the key that it names.",
        ),
        click.option(
            "--pair",
            "service",
            metavar="URL",
            help="The owner's phone chooses the account as the car's key, on the page that is "
            "served there by `ape v2v serve`: scan the code, compare the words.",
        ),
        click.option(
            "--cable",
            metavar="FILE",
            type=FILE,
            help="The simulated cable: the same file for both sides.",
        ),
        click.option("--meter-id", metavar="ID", help="The simulated meter's name."),
        click.option("--meter-start", type=ENERGY, default="0 Wh", help="What it begins with."),
        click.option(
            "--loss", type=PART, default=0.0, help="What is lost on the way to it, part of 1."
        ),
        click.option("--noise", type=PART, default=0.0, help="How far off it is, part of 1."),
        click.option(
            "--ocmf",
            metavar="FILE",
            help="A real meter instead: a file or device with its OCMF records.",
        ),
        click.option("--ocmf-serial", metavar="NUMBER", help="That meter's serial number."),
        click.option(
            "--ocmf-key", metavar="HEX|FILE", help="Its public key: DER or a bare point, or PEM."
        ),
        click.option("--ocmf-register", metavar="OBIS", help="Which of its registers to read."),
        click.option(
            "--ocmf-max-age",
            type=DURATION,
            default="1 min",
            show_default=True,
            help="How old a reading of it may be.",
        ),
        click.option("--ocmf-any-age", is_flag=True, help="Take readings of any age."),
        click.option(
            "--ocmf-unsynchronized", is_flag=True, help="Take readings of a clock never set."
        ),
        click.option(
            "--meter",
            metavar="NAME",
            help="Any meter instead: ocmf:…, csv:…, modbus:…, ocpp:…, python:module:Class.",
        ),
        click.option(
            "--link-timeout",
            type=DURATION,
            default=format_duration(timedelta(seconds=Limits().link_timeout)),
            show_default=True,
            help="How long the other side may be silent.",
        ),
        click.option(
            "--trusted-block",
            metavar="0x…",
            type=HASH,
            help="Believe the node nothing that it cannot prove by this block.",
        ),
    )
    for option in reversed(options):
        function = option(function)
    return light_option(function)


def equipment(role: str, **options: Any) -> Equipment:
    from ape_v2v.metering.equipment import Equipment, OcmfSettings  # noqa: PLC0415 - not light
    from ape_v2v.metering.named import key_of  # noqa: PLC0415 - not light

    ocmf = None
    if options["ocmf"] is not None:
        serial, key = options["ocmf_serial"], options["ocmf_key"]
        if serial is None or key is None:
            raise click.UsageError("--ocmf takes --ocmf-serial and --ocmf-key with it")
        age = options["ocmf_max_age"].total_seconds()
        ocmf = OcmfSettings(
            records=options["ocmf"],
            serial=serial,
            public_key=key_of(key),
            register_=options["ocmf_register"],
            max_age=None if options["ocmf_any_age"] else age,
            unsynchronized=options["ocmf_unsynchronized"],
        )
    if ocmf is not None and options["meter"] is not None:
        raise click.UsageError("give --meter or --ocmf, not both")
    simulated = (ocmf is None and options["meter"] is None) or (
        role == "provider" and options["source"] is None
    )
    if options["cable"] is None and simulated:
        raise click.UsageError("name the simulated cable with --cable")
    values = {}
    if role == "provider":
        battery = options["battery"]
        values = {
            "power_w": round(options["power"] * 1000),
            "source_name": options["source"],
            "speed": options["speed"],
            "battery_wh": None if battery is None else int(battery),
        }
    return Equipment(
        cable=None if options["cable"] is None else options["cable"].absolute(),
        meter_id=options["meter_id"] or role,
        loss=options["loss"],
        noise=options["noise"],
        meter_start_wh=int(options["meter_start"]),
        ocmf=ocmf,
        meter_name=options["meter"],
        **values,
    )
