"""Commands that go on until they are stopped: what Ctrl-C does."""

import signal

import pytest

from ape_v2v._cli.shared.live import stop_signals

PATIENCE = 10  # seconds


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_stops_a_command_even_as_it_begins_to_wait(number):
    with stop_signals() as stop:
        with stop._cond:  # type: ignore[attr-defined] # as `wait` does for a moment
            signal.raise_signal(number)
        assert stop.wait(PATIENCE)


def handlers():
    return signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)


def test_a_second_signal_does_what_it_always_does():
    before = handlers()
    with stop_signals() as stop:
        assert before[0] not in handlers()
        signal.raise_signal(signal.SIGINT)
        assert handlers() == before
        assert stop.wait(PATIENCE)


def test_after_a_command_that_ends_by_itself_so_does_the_first():
    before = handlers()
    with stop_signals() as stop:
        pass
    assert handlers() == before
    assert not stop.is_set()
