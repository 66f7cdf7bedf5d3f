"""Running commands against the chain of the test session."""

import json
from dataclasses import dataclass
from typing import Any

import pytest
from ape.logging import logger
from click.testing import CliRunner

from ape_v2v._cli import cli
from tests.helpers.sides import sides


@dataclass(frozen=True)
class Output:
    """What a command printed."""

    text: str
    """Standard output."""
    error: str
    """Standard error."""
    code: int = 0
    """The exit code."""

    @property
    def json(self) -> Any:
        return json.loads(self.text)

    @property
    def json_lines(self) -> list[Any]:
        return [json.loads(line) for line in self.text.splitlines()]


@pytest.fixture
def quiet():
    """Commands quieten Ape's logger: undo it."""
    level = logger.level
    yield
    logger.set_level(level)


@pytest.fixture
def v2v(chain, market, quiet):
    """Run `ape v2v …` on the session's chain and market: `v2v("ev", "list", "--json").json`.

    `account` is who sends; without an `answer` to the question before a transaction, it is not
    asked. `expect` is the exit code, None for any; `on` is the market, None leaves --market out.
    `env` is added to the environment.
    """

    def run(*arguments, account=None, expect=0, on=market, answer=None, env=None) -> Output:
        words = [str(argument) for argument in arguments]
        if on is not None:
            words += ["--market", on.address]
        if account is not None:
            words += ["--account", account.alias, *([] if answer else ["--yes"])]
        # With a provider in `obj`, Ape's command uses that one and leaves it connected.
        result = CliRunner(mix_stderr=False).invoke(
            cli, words, obj={"provider": chain.provider}, input=answer, env=env
        )
        if expect is not None and result.exit_code != expect:
            raise AssertionError(
                f"exit code {result.exit_code}, expected {expect}: {result.exception!r}\n"
                f"{result.stdout}{result.stderr}"
            ) from result.exception
        if result.exit_code:
            assert isinstance(result.exception, SystemExit), "an error, and no sentence about it"
        return Output(result.stdout, result.stderr, result.exit_code)

    return run


@pytest.fixture
def start_side(chain, market, tmp_path):
    """Start `ape v2v session …`, or another topic's command, as a process of its own."""
    with sides(chain, market, tmp_path) as start:
        yield start
