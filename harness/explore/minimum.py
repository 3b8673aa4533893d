"""The smallest case of a failure that is known so far."""

from __future__ import annotations

from dataclasses import dataclass

from drydock.harness.explore.found import Failure
from drydock.harness.explore.races import Race
from drydock.harness.port import Fault
from drydock.harness.shrink.parts import parts_of
from drydock.harness.shrink.shrink import Shrunk
from drydock.harness.signature import Signature


@dataclass(frozen=True, slots=True)
class Minimum:
    """The smallest case of a failure. ``shows`` are all signatures of that case; ``races`` tell its laggards as two.

    ``run`` is the run that it was shrunk from: the failure's first, or a later one that came to fewer parts.
    ``outside`` are those of its faults that the scenario's threats do not name; ``harm_quantums`` (1e-6 USD) is what
    the smallest case does, ``detail`` what its finding says. While it ``is_rough`` its parts have the fields with which
    they were found.
    """

    failure: Failure
    run: int
    shrunk: Shrunk
    shows: tuple[Signature, ...]
    races: tuple[Race, ...] = ()
    outside: tuple[Fault, ...] = ()
    harm_quantums: int = 0
    detail: str = ""
    is_rough: bool = False

    @property
    def of_run(self) -> str:
        """`` of run 8`` where it was shrunk from another run than the failure's first; else nothing."""
        return f" of run {self.run}" if self.run != self.failure.run else ""

    @property
    def origin(self) -> str:
        """Where it comes from, for a regression: the run that showed the failure, and that of this case."""
        smallest = f", smallest{self.of_run}" if self.of_run else ""
        return f"found by explore in run {self.failure.run} ({self.failure.strategy}){smallest}"

    @property
    def size(self) -> int:
        """Parts of the smallest case."""
        return len(parts_of(self.shrunk.case))

    @property
    def is_single(self) -> bool:
        """Whether it is as small as can be: one fault or laggard, or none."""
        return self.shrunk.is_minimal and self.size <= 1
