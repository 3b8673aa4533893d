"""The index watch: what was last published, for laws that judge the next publication against it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from drydock.harness.event import Event
from drydock.harness.sim import Sim
from drydock.models.events import IndexPublished, RollbackDone, SnapshotTaken
from drydock.models.perp.funding import max_step
from drydock.models.perp.units import all_true
from drydock.models.regimes import FLOOR_SHARE

if TYPE_CHECKING:
    from drydock.models.truth import Truth

Ints = NDArray[np.int64]


class IndexWatch:
    """Follows published indices before any law sees them, and keeps what they were just before.

    ``before`` and ``step`` are of the publication being judged; ``index`` and ``at_ms`` are current. A step within
    ``small`` (one tick at the cap and a twentieth of the starting price) is within every bound: the cheap way out,
    taken by every right tick.
    """

    def __init__(self, truth: Truth, sim: Sim) -> None:
        self._truth = truth
        self.index = truth.start_index.copy()
        self.at_ms = np.zeros_like(self.index)
        facts = truth.markets
        floor = truth.outside.spot(0) // FLOOR_SHARE
        self.small = max_step(facts.rate_cap_ppm, floor, truth.venue.funding.tick_ms, facts.period_ms)
        self.markets = np.arange(len(facts))
        self.before = self.index.copy()
        self.before_ms = self.at_ms.copy()
        self.step = np.zeros_like(self.index)
        self.is_small = True
        self._kept = self.index.copy()
        self._bounds: dict[int | None, Ints] = {}
        self._now_ms = 0
        sim.hear(IndexPublished, self._on_published)
        sim.hear(SnapshotTaken, self._on_snapshot)
        sim.hear(RollbackDone, self._on_rollback)

    def _on_published(self, happened: Event) -> None:
        data: IndexPublished = happened.data
        markets = self.markets = data.markets
        self._now_ms = happened.at_ms
        self._bounds.clear()
        self.before, self.before_ms = self.index[markets], self.at_ms[markets]
        self.step = np.abs(data.indices - self.before)
        self.is_small = all_true(self.step <= self.small[markets])
        self.index[markets] = data.indices
        self.at_ms[markets] = happened.at_ms

    def _on_snapshot(self, happened: Event) -> None:
        self._kept = self.index.copy()

    def _on_rollback(self, happened: Event) -> None:
        self.index = self._kept.copy()
        self.at_ms[:] = happened.at_ms

    def bound(self, gap_cap_ms: int | None) -> Ints:
        """r_m * S_max * min(dt, cap) / T of the publication judged; dt at least a tick, S with 10 % to spare."""
        known = self._bounds.get(gap_cap_ms)
        if known is None:
            truth, markets = self._truth, self.markets
            dt_ms = self._now_ms - self.before_ms
            if gap_cap_ms is not None:
                dt_ms = np.minimum(dt_ms, gap_cap_ms)
            dt_ms = np.maximum(dt_ms, truth.venue.funding.tick_ms)
            earliest_ms = max(0, int(self.before_ms.min())) if self.before_ms.size else 0
            spot = np.maximum(truth.outside.spot(self._now_ms), truth.outside.spot(earliest_ms))[markets]
            facts = truth.markets
            known = max_step(facts.rate_cap_ppm[markets], spot + spot // 10, dt_ms, facts.period_ms[markets])
            self._bounds[gap_cap_ms] = known
        return known
