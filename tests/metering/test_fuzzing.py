"""A sample of `ape run fuzz_meters`: what no meter writes is read or refused, by every reader."""

from __future__ import annotations

import pytest

from ape_v2v.errors import V2VError
from scripts.fuzz_meters import MESSAGES, RECORD, Readers, fuzzed

INPUTS = 1_000


def test_no_reader_crashes_and_every_one_reads_and_refuses():
    results, wrong = fuzzed(INPUTS, seed=7, minutes=5)
    assert wrong == []
    assert sum(results.values()) == INPUTS
    assert {done for _, done in results} == {"read", "refused"}
    assert len({what for what, _ in results}) == 10


def test_what_is_genuine_is_read(tmp_path):
    for genuine, read in Readers(tmp_path).all.values():
        if genuine is not MESSAGES:  # of several versions at once
            assert read(genuine) is not None


def test_a_changed_byte_that_is_taken_would_be_found(tmp_path):
    readers = Readers(tmp_path)
    readers.record(RECORD)
    # What the reader is held to is the payload itself, not what comes of it.
    spaced = RECORD.replace(b', "MS"', b',  "MS"')
    assert spaced != RECORD
    with pytest.raises(V2VError, match="signature"):
        readers.record(spaced)
