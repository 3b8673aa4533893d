"""OracleDesync: a price and the time that it bears are not of each other."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal

import numpy as np

from drydock.harness.port import Range
from drydock.harness.seam import Bender, Mask, Passage
from drydock.models.oracle_fault import OracleFault
from drydock.models.world import VenueWorld


@dataclass(frozen=True, slots=True)
class OracleDesync(OracleFault):
    """``old_value``: a number of ``apart_ms`` ago under the time of now. ``old_stamp``: the other way round.

    Of what was said before its moment it knows nothing: the first number stands until there is one that is old enough.
    """

    kind: ClassVar[str] = "oracle_desync"
    sentence: ClassVar[str] = "a source sends a number and a time that are not of each other"
    keywords: ClassVar[tuple[str, ...]] = ("oracle", "timestamp", "desynchronised", "torn write", "stale", "X9", "P8")

    step: str
    target: str = "spot"
    offset_ms: Annotated[int, Range(-120_000, 300_000)] = 0
    torn: Literal["old_value", "old_stamp"] = "old_value"
    apart_ms: Annotated[int, Range(1_000, 600_000, log=True)] = 30_000
    markets: Annotated[int, Range(1, 200, log=True)] = 200
    lasts_ms: Annotated[int, Range(1_000, 3_600_000, log=True)] = 120_000

    def strike(self, world: VenueWorld, struck: Mask) -> Bender:
        """Of each source it keeps what was said since its moment."""
        said: dict[str, list[tuple[int, np.ndarray[tuple[int], np.dtype[np.int64]]]]] = {}

        def tear(passage: Passage) -> bool:
            assert passage.value is not None
            assert passage.stamp_ms is not None
            if self.torn == "old_stamp":
                passage.stamp_ms[struck] -= self.apart_ms
                return True
            history = said.setdefault(passage.label, [])
            history.append((world.sim.now_ms, passage.value.copy()))
            while len(history) > 1 and history[1][0] <= world.sim.now_ms - self.apart_ms:
                del history[0]
            passage.value[struck] = history[0][1][struck]
            return True

        return tear
