"""The service fuzzed by its own OpenAPI document, with a session that runs meanwhile.

Small in a usual run; V2V_FUZZ_EXAMPLES is the number of requests to each of the six messages.
"""

import os
from collections import Counter

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from schemathesis import GenerationMode
from schemathesis.core.failures import FailureGroup

from ape_v2v.session.protocol.wire import (
    PREFIX,
    MeterValueReq,
    SessionStopReq,
    SettlementReq,
    StopReason,
)
from tests.helpers.documented import CHECKS
from tests.session.attacking import PATIENCE, attacking, hostile
from tests.session.pairs import SESSION_WH

EXAMPLES = int(os.environ.get("V2V_FUZZ_EXAMPLES", "30"))
# In this order: the last ones end the session.
PATHS = (
    "session-setup",
    "authorization",
    "meter-value",
    "metering-receipt",
    "session-stop",
    "settlement",
)


class Session:
    """A consumer that can always say what is right."""

    def __init__(self, client):
        self.client = client
        self.there = client.there
        self.id = client.admitted()
        client.acknowledge(self.id, *client.value(self.id))

    def right(self, path):
        """A message that the provider accepts."""
        match path:
            case "session-setup":
                message = self.there.setup_request()
            case "authorization":
                message = self.there.authorization(*self.client.set_up())
            case "meter-value":
                message = MeterValueReq(session_id=self.id)
            case "metering-receipt":
                message = self.there.receipt_for(self.id, *self.client.value(self.id))
            case "session-stop":
                message = SessionStopReq(session_id=self.id, reason=StopReason.STOPPED_BY_EV)
            case _:
                message = SettlementReq(session_id=self.id)
        return message.data()

    def note(self, path, answer):
        """A new session has replaced the one before."""
        if path == "authorization":
            self.id = bytes.fromhex(answer["sessionId"][2:])


def fuzz(operation, path, session, seen):
    """Send what the document allows, what it does not, and what is right but for some fields."""
    valid, invalid = (
        operation.as_strategy(generation_mode=mode)
        for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE)
    )

    @seed(4)
    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=valid | invalid, data=st.data())
    def send(case, data):
        right = session.right(path)
        kept = data.draw(st.sets(st.sampled_from(sorted(right))) | st.just(set(right)))
        if isinstance(case.body, dict) and kept:
            case.body = case.body | {name: right[name] for name in kept}
            if kept == set(right):
                case.body = right
        response = case.call(timeout=PATIENCE)
        assert response.status_code < 500, response.text
        case.validate_response(response, checks=CHECKS)
        seen[path, response.status_code] += 1
        if response.status_code == 200:
            session.note(path, response.json())

    send()


def test_no_message_brings_the_service_down(admission, market):
    there = admission(100 * SESSION_WH, poll=0.02, sessions_per_token=10**6)
    seen: Counter[tuple[str, int]] = Counter()
    with attacking(there) as client:
        schema = schemathesis.openapi.from_url(f"{client.http.base_url}/openapi.json")
        session = Session(client)
        operations = {path: schema[f"{PREFIX}/{path}"]["POST"] for path in PATHS}
        assert len(schema) == len(PATHS), "the document describes other messages too"
        for path in PATHS:
            fuzz(operations[path], path, session, seen)
    print(dict(sorted(seen.items())))
    for path in PATHS:
        accepted = seen[path, 200]
        refused = sum(n for (at, status), n in seen.items() if at == path and status != 200)
        assert accepted >= 3, f"{path} was accepted only {accepted} times: {seen}"
        assert refused >= 3, f"{path} was refused only {refused} times: {seen}"
    # Whatever was sent, only what the consumer has signed counts.
    highest = there.provider.acknowledged
    settlement = there.provider.store.statements.settlement(there.agreement.token)
    assert settlement.energy_wh == highest.energy_wh <= there.agreement.energy_wh
    assert market.auctions(there.agreement.auction_id).state == 2


def test_the_fuzzer_would_notice_an_answer_that_the_document_does_not_describe(admission):
    """Proof that the checks can fail."""
    there = admission()
    with (
        attacking(there) as client,
        hostile(there.provider, settlement=lambda *_: b'{"energyWh": 1}') as (url, _),
    ):
        schema = schemathesis.openapi.from_url(f"{client.http.base_url}/openapi.json")
        case = schema["/v1/settlement"]["POST"].Case(
            body={"sessionId": "0x" + "00" * 16}, media_type="application/json"
        )
        with pytest.raises(FailureGroup, match="violates schema"):
            case.call_and_validate(base_url=url, checks=CHECKS, timeout=PATIENCE)
