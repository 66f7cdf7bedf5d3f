"""Signals' handlers, in the worst moment."""

import signal
import threading

import pytest

from ape_v2v.signals import in_a_thread

PATIENCE = 10  # seconds


@pytest.fixture
def on_signal():
    """Make something the handler of a signal, for this test."""
    previous = signal.getsignal(signal.SIGUSR1)

    def on_signal(action):
        signal.signal(signal.SIGUSR1, lambda _number, _frame: action())

    yield on_signal
    signal.signal(signal.SIGUSR1, previous)


def test_an_event_is_set_although_the_handler_interrupts_whoever_holds_its_lock(on_signal):
    stop = threading.Event()
    with in_a_thread(stop.set) as set_stop:
        on_signal(set_stop)
        with stop._cond:  # type: ignore[attr-defined] # as `wait` does
            signal.raise_signal(signal.SIGUSR1)
        assert stop.wait(PATIENCE)


def test_what_is_asked_for_is_done_as_often_before_the_block_ends(on_signal):
    done = []
    with in_a_thread(lambda: done.append(threading.current_thread())) as ask:
        on_signal(ask)
        for _ in range(3):
            signal.raise_signal(signal.SIGUSR1)
    assert len(done) == 3
    assert threading.main_thread() not in done
    assert not done[0].is_alive()
