"""A mutant: the market with one thing changed."""

from typing import NamedTuple

from ..compiler import Sources


class Mutant(NamedTuple):
    operator: str
    source: str
    function: str
    """Where it is; for what is in no function, the contract."""
    start: int
    end: int
    """What is replaced, in bytes of the source."""
    replacement: str
    line: int
    before: str
    after: str
    """The lines that are touched, as they were and as they are."""
    number: int = 1
    """Counts those for which all of that is the same."""

    @property
    def key(self) -> str:
        """The same as long as the text around it is; the lines may move."""
        file = self.source.removeprefix("contracts/").removesuffix(".sol")
        again = f" ({self.number})" if self.number > 1 else ""
        return f"{file} {self.function}: {self.before} → {self.after}{again}"

    def applied(self, sources: Sources) -> Sources:
        text = sources[self.source].encode()
        changed = text[: self.start] + self.replacement.encode() + text[self.end :]
        return {**sources, self.source: changed.decode()}
