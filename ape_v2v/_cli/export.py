"""Rows into a file, or to a program."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import click

from ape_v2v.errors import V2VError

if TYPE_CHECKING:
    from collections.abc import Iterable

_FORMATS = (".csv", ".json")
_CSV_FORMULAS = ("=", "+", "-", "@", "\t", "\r")


class ExportType(click.Path):
    """A file to write a table to, in the format that its name says."""

    name = "file"

    def __init__(self) -> None:
        super().__init__(dir_okay=False, path_type=Path)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Path:
        path = super().convert(value, param, ctx)
        assert isinstance(path, Path)
        if path.suffix.lower() not in _FORMATS:
            self.fail(f"{path.name!r} is neither a .csv nor a .json file", param, ctx)
        return path


def write(path: Path | None, columns: Iterable[str], rows: Iterable[dict[str, Any]]) -> None:
    """Write rows to a file, in the format that its name says; without one as JSON to stdout."""
    if path is None:
        _write_json(click.get_text_stream("stdout"), rows)
        return
    try:
        with click.open_file(path, "w", encoding="utf-8", atomic=True) as file:
            if path.suffix.lower() == ".csv":
                count = _write_csv(file, columns, rows)
            else:
                count = _write_json(file, rows)
    except OSError as error:
        raise V2VError(f"cannot write {path}: {error.strerror}") from error
    click.echo(f"{count} rows in {path}", err=True)


def _write_csv(file: IO[str], columns: Iterable[str], rows: Iterable[dict[str, Any]]) -> int:
    writer = csv.DictWriter(file, list(columns))
    writer.writeheader()
    count = 0
    for count, row in enumerate(rows, 1):  # noqa: B007 - it is the result
        writer.writerow({name: _csv_value(value) for name, value in row.items()})
    return count


def _csv_value(value: Any) -> Any:
    # A spreadsheet would execute it, and anybody may have written it.
    if isinstance(value, dict):
        return json.dumps(value)
    formula = isinstance(value, str) and value.startswith(_CSV_FORMULAS)
    return f"'{value}" if formula else value


def _write_json(file: IO[str], rows: Iterable[dict[str, Any]]) -> int:
    """Write an array, one row a line, without ever holding all of it."""
    count = 0
    for count, row in enumerate(rows, 1):
        file.write(("[" if count == 1 else ",\n") + json.dumps(row))
    file.write("]\n" if count else "[]\n")
    return count
