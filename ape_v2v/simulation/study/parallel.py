"""The same work by one process, several, or a cluster: only the time that it takes differs."""

from __future__ import annotations

import multiprocessing
from concurrent.futures import ProcessPoolExecutor
from typing import TYPE_CHECKING, Any, TypeVar

from ape_v2v.simulation.errors import SimulationError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

_Task = TypeVar("_Task")
_Outcome = TypeVar("_Outcome")


def each(
    work: Callable[[_Task], _Outcome],
    tasks: Sequence[_Task],
    jobs: int = 1,
    cluster: str | None = None,
) -> Iterator[tuple[_Task, _Outcome]]:
    """Do every task, and give what came of it, in the order of the tasks.

    Args:
        work: A function of a module, that others can import.
        tasks: What it is given.
        jobs: How many processes.
        cluster: The address of a Dask scheduler, which does it instead.

    Raises:
        SimulationError: The cluster cannot be reached, or Dask is not installed.
    """
    if cluster is not None:
        yield from _by_cluster(work, tasks, cluster)
    elif jobs <= 1:
        for task in tasks:
            yield task, work(task)
    else:
        # Not by forking: the parent may have threads, and EVMs.
        context = multiprocessing.get_context("spawn")
        with ProcessPoolExecutor(jobs, mp_context=context) as pool:
            try:
                yield from zip(tasks, pool.map(work, tasks), strict=True)
            except BaseException:
                pool.shutdown(wait=False, cancel_futures=True)
                raise


def _by_cluster(
    work: Callable[[_Task], _Outcome], tasks: Sequence[_Task], cluster: str
) -> Iterator[tuple[_Task, _Outcome]]:
    try:
        from distributed import Client  # noqa: PLC0415 - only a cluster needs it
    except ImportError as error:
        raise SimulationError(
            f"a cluster needs Dask ({error}): install the extra, `pip install 'ape-v2v[cluster]'`"
        ) from error
    try:
        connect: Any = Client  # it has no types
        client = connect(cluster, timeout=10)
    except (OSError, ValueError) as error:
        raise SimulationError(f"no Dask scheduler at {cluster}: {error}") from error
    with client:
        futures = client.map(work, tasks)
        for task, future in zip(tasks, futures, strict=True):
            yield task, future.result()
