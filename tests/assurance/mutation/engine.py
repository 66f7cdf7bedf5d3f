"""Compile each mutant and do the tests' programs on it, on all processors."""

import hashlib
import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from enum import StrEnum
from multiprocessing import get_context
from typing import NamedTuple

from tests.fuzz.recording import Program

from ..compiler import ETHER_MARKET, CompilationError, Compiler, Sources, Target, sources_of
from ..programs import first_difference
from .mutants import Mutant


class Verdict(StrEnum):
    INVALID = "is no program"
    SAME = "compiles to the same code"
    KILLED = "killed"
    SURVIVED = "survived"


class Result(NamedTuple):
    mutant: Mutant
    verdict: Verdict
    code: str = ""
    """A hash of its code, by which equal mutants are told."""
    killer: str = ""
    """The program, and the step in it, that came out differently."""


class Corpus(NamedTuple):
    """The tests' programs, and the creation code of the contract that they deploy."""

    programs: Sequence[Program]
    code: bytes
    target: Target = ETHER_MARKET


class Examiner:
    """One worker's compiler, and the programs in the order in which they kill most."""

    def __init__(self, corpus: Corpus) -> None:
        self._compiler = Compiler()
        self._code = corpus.code
        self._target = corpus.target
        self._sources = sources_of(corpus.target.path)
        self._programs = list(enumerate(corpus.programs))
        self._same = {
            self._compile(self._sources, optimized=optimized) for optimized in (False, True)
        }

    def examine(self, mutant: Mutant) -> Result:
        sources = mutant.applied(self._sources)
        try:
            code = self._compile(sources, optimized=False)
        except CompilationError:
            return Result(mutant, Verdict.INVALID)
        if code in self._same:
            return Result(mutant, Verdict.SAME)
        digest = hashlib.sha256(code).hexdigest()
        if killer := self.killer_of(code):
            return Result(mutant, Verdict.KILLED, digest, killer)
        # What the optimizer makes equal is equal.
        if self._compile(sources, optimized=True) in self._same:
            return Result(mutant, Verdict.SAME)
        return Result(mutant, Verdict.SURVIVED, digest)

    def _compile(self, sources: Sources, *, optimized: bool) -> bytes:
        return self._compiler.creation_code(sources, optimized=optimized, target=self._target)

    def killer_of(self, code: bytes) -> str:
        for place, (number, program) in enumerate(self._programs):
            if found := first_difference(program, self._code, code):
                self._programs.insert(0, self._programs.pop(place))
                return f"program {number}, step {found.step}"
        return ""


_examiner: Examiner | None = None


def examine_all(mutants: Sequence[Mutant], corpus: Corpus) -> Iterator[Result]:
    """The results, as they come."""
    workers = os.cpu_count() or 1
    # A forked worker would hold whatever locks and pipes this process has just then.
    with ProcessPoolExecutor(
        workers, get_context("spawn"), initializer=_start, initargs=(corpus,)
    ) as pool:
        for future in as_completed([pool.submit(_examine, mutant) for mutant in mutants]):
            yield future.result()


def _start(corpus: Corpus) -> None:
    global _examiner  # noqa: PLW0603 - what a worker process keeps
    _examiner = Examiner(corpus)


def _examine(mutant: Mutant) -> Result:
    assert _examiner is not None
    return _examiner.examine(mutant)
