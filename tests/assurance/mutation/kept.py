"""What a run has found so far: one that was stopped goes on where it was."""

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

from ..places import RESULTS
from .engine import Corpus, Result, Verdict
from .mutants import Mutant


def file_for(corpus: Corpus) -> Path:
    """Where the results of these programs on this market are kept, and of no others."""
    digest = hashlib.sha256(corpus.code)
    for program in corpus.programs:
        digest.update(repr(program).encode())
    return RESULTS / f"mutants-{digest.hexdigest()[:16]}.jsonl"


def going_on(
    file: Path,
    mutants: Sequence[Mutant],
    examine: Callable[[Sequence[Mutant]], Iterable[Result]],
) -> Iterator[Result]:
    """The result of each mutant: what is kept first, then what is left, each kept as it comes."""
    known = _known(file)
    yield from (known[one.key]._replace(mutant=one) for one in mutants if one.key in known)
    with file.open("a", encoding="utf-8") as kept:
        kept.write("\n")  # after a line that was being written when the run was stopped
        for result in examine([one for one in mutants if one.key not in known]):
            line = {**result._asdict(), "mutant": result.mutant._asdict()}
            kept.write(json.dumps(line) + "\n")
            kept.flush()
            yield result


def _known(file: Path) -> dict[str, Result]:
    found: dict[str, Result] = {}
    if not file.exists():
        return found
    for line in file.read_text(encoding="utf-8").splitlines():
        try:
            kept = json.loads(line)
        except ValueError:
            continue
        mutant = Mutant(**kept["mutant"])
        found[mutant.key] = Result(mutant, Verdict(kept["verdict"]), kept["code"], kept["killer"])
    return found
