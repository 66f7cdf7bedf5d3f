"""Refusals that several tests expect."""

from __future__ import annotations

from typing import Any

import pytest
from ape.exceptions import CustomError


def is_without_a_reason(refusal: Any) -> bool:
    """Whether no function took the call: an error of the market would say why."""
    return not isinstance(refusal, CustomError) and refusal.base_err.data == "0x"


def wrong_signer(market: Any, expected: Any) -> Any:
    """Expect that a signature is of somebody else: of whom depends on what was signed instead."""
    return pytest.raises(market.WrongSigner, match=f"(?i)expected={expected}")
