"""How fast the simulated market is, beside the bare EVM in the same process.

    python -m benchmarks.simulation

Trades go by the typed calls, with signed receipts; the books are checked after every block. What
the EVM takes of it is measured in the same run.
"""

from __future__ import annotations

import resource
import sys
import time
from typing import TYPE_CHECKING

from ape_v2v.simulation import Simulation, changed, read
from ape_v2v.simulation.laboratory import Trial, play

if TYPE_CHECKING:
    from ape_v2v.evm.chains import Execution

_AUCTIONS, _TIMES = 150, 3
_KIB = 1_024


def main() -> None:
    trades = 0.0
    for seed in range(_TIMES):  # what is read and compiled once is no part of it
        started = time.process_time()
        play(Trial(3, "first-price", {"rivals": 2}), _AUCTIONS, seed)
        trades = max(trades, _AUCTIONS / (time.process_time() - started))
    print(f"sealed auctions of three, typed calls: {trades:.0f} a second of processor time")
    scenario = read("garage20")
    for name, days in (("garage20, a day", 1), ("garage20, ten days", 10)):
        started = time.process_time()
        simulation = Simulation(changed(scenario, {"days": days}), 1)
        inside = _watch(simulation)
        result = simulation.run()
        taken = time.process_time() - started
        print(
            f"{name}: {len(result.trades)} trades in {taken:.2f} s, "
            f"{len(result.trades) / taken:.0f} trades/s, of which the EVM {inside[0]:.2f} s: "
            f"1 : {taken / inside[0]:.1f}"
        )
    if "--campus" in sys.argv:
        started = time.process_time()
        result = Simulation(read("campus200"), 1).run()
        taken = time.process_time() - started
        print(f"campus200, a week: {len(result.trades)} trades in {taken:.1f} s")
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / _KIB
    print(f"memory: {memory:.0f} MiB at most")


def _watch(simulation: Simulation) -> list[float]:
    """Count the time that the EVM itself takes."""
    chain, inside = simulation.node.chain, [0.0]
    transact, call = chain.transact, chain.call

    def timed_transact(sender: str, to: str, data: bytes = b"", value: int = 0) -> Execution:
        started = time.process_time()
        try:
            return transact(sender, to, data, value)
        finally:
            inside[0] += time.process_time() - started

    def timed_call(to: str, data: bytes, sender: str = "0x" + "00" * 20) -> bytes:
        started = time.process_time()
        try:
            return call(to, data, sender)
        finally:
            inside[0] += time.process_time() - started

    vars(chain).update(transact=timed_transact, call=timed_call)
    return inside


if __name__ == "__main__":
    main()
