"""The service fuzzed by its own OpenAPI document: no answer that the document does not have.

Small in a usual run; V2V_FUZZ_EXAMPLES is the number of requests to each path.
"""

import os

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tests.helpers.documented import CHECKS

EXAMPLES = int(os.environ.get("V2V_FUZZ_EXAMPLES", "20"))
PATHS = (
    ("GET", "/api/v1/config"),
    ("GET", "/api/v1/auctions"),
    ("GET", "/api/v1/auctions/past"),
    ("GET", "/api/v1/auctions/{auction_id}"),
    ("GET", "/api/v1/accounts/{account}/activity"),
    ("GET", "/api/v1/evs"),
    ("GET", "/api/v1/pair/{code}"),
    ("POST", "/api/v1/pair/{code}"),
    ("POST", "/rpc"),
    ("GET", "/health/ready"),
)
STREAM = "/api/v1/events"
"""Never ends: tests/service/test_stream.py asks it."""


def test_every_path_of_the_document_is_asked(quiet_client):
    document = quiet_client.get("/openapi.json").json()
    described = {
        (method.upper(), path) for path, methods in document["paths"].items() for method in methods
    }
    named = {*PATHS, ("GET", STREAM), ("GET", "/health/live"), ("GET", "/metrics")}
    assert described == named


@pytest.mark.parametrize(("method", "path"), PATHS, ids=" ".join)
def test_no_request_gets_an_answer_that_the_document_does_not_have(quiet_client, method, path):
    url = str(quiet_client.base_url).rstrip("/")
    schema = schemathesis.openapi.from_url(f"{url}/openapi.json")
    operation = schema[path][method]

    @given(data=st.data())
    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    def ask(data):
        case = data.draw(operation.as_strategy())
        case.call_and_validate(base_url=url, checks=CHECKS)

    ask()
