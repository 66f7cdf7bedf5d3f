"""Reading the committed vectors."""

import json
from pathlib import Path
from typing import Any, NamedTuple

FOLDER = Path(__file__).parent


def content(name):
    return json.loads((FOLDER / f"{name}.json").read_bytes())


CONTEXT = content("session-setup")["context"]
NAMES = (
    "session-setup",
    "session-setup-answer",
    "authorization",
    "meter-value",
    "metering-receipt",
    "settlement",
    "bid",
)


class Vector(NamedTuple):
    """One message, and what has to be said of it."""

    name: str
    text: str
    """The message as it is sent."""
    given: dict[str, Any]
    error: str | None
    contract: str | None
    digest: str | None

    @property
    def message(self):
        return json.loads(self.text)


def vectors(name):
    for vector in content(name)["vectors"]:
        text = vector["text"] if "text" in vector else json.dumps(vector["message"])
        yield Vector(
            vector["name"],
            text,
            vector.get("given", {}),
            vector["error"],
            vector.get("contract"),
            vector.get("digest"),
        )


def parameters(name, only=lambda _: True):
    """For `pytest.mark.parametrize`: every vector, by its name."""
    chosen = [vector for vector in vectors(name) if only(vector)]
    assert chosen, f"{name}.json has no such vectors"
    return {"argvalues": chosen, "ids": [vector.name for vector in chosen]}
