"""A market in a token, and the commands on it."""

import pytest


@pytest.fixture(scope="module")
def paid(v2v_token_market):
    """A market in a stablecoin with 6 decimals."""
    return v2v_token_market()


@pytest.fixture
def v2v(v2v, paid):
    """Run `ape v2v …` on the market in a token, unless another one is named."""
    return lambda *words, on=paid, **options: v2v(*words, on=on, **options)
