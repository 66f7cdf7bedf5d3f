"""The package's objects around the market, as the tests of the API have them."""

from tests.api.conftest import api, auction

__all__ = ["api", "auction"]
