"""What laws of a venue share: the truth, a cap on findings, and indices as they were last known."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from drydock.harness.event import Event, Identity
from drydock.harness.law import Always
from drydock.models.events import IndexPublished, RollbackDone, SnapshotTaken
from drydock.models.perp.funding import max_step

if TYPE_CHECKING:
    from drydock.models.truth import Truth

Ints = NDArray[np.int64]
FINDINGS_MAX = 20
"""A law that fails for each of a thousand accounts keeps the first findings; its checks go on being counted."""


class VenueLaw(Always):
    """An *always* law of a venue, with the truth at hand."""

    truth: Truth

    def begin(self, truth: Any) -> None:
        """Takes the shadow truth."""
        self.truth = truth

    def find(self, at_ms: int, detail: str, *events: Identity, amount_quantums: int = 0) -> None:
        """Keeps a finding, up to the cap."""
        if len(self._findings) < FINDINGS_MAX:
            super().find(at_ms, detail, *events, amount_quantums=amount_quantums)

    def name(self, market: int) -> str:
        """The market's name, for a reader."""
        return self.truth.markets.names[market]


class IndexWatch:
    """The last published index of every market and its time; goes back with the chain."""

    hears = (IndexPublished, SnapshotTaken, RollbackDone)

    def __init__(self, truth: Truth) -> None:
        self._truth = truth
        self.index = truth.start_index.copy()
        self.at_ms = np.zeros_like(self.index)
        self._kept = self.index.copy()

    def follow(self, happened: Event) -> None:
        """Folds an event in, after it was judged."""
        data = happened.data
        if isinstance(data, IndexPublished):
            self.index[data.markets] = data.index
            self.at_ms[data.markets] = happened.at_ms
        elif isinstance(data, SnapshotTaken):
            self._kept = self.index.copy()
        else:
            self.index = self._kept.copy()
            self.at_ms[:] = happened.at_ms

    def bound(self, markets: Ints, now_ms: int, gap_cap_ms: int | None) -> Ints:
        """r_m * S_max * min(dt, cap) / T: the largest step since the last publication, dt at least one tick."""
        truth = self._truth
        dt_ms = now_ms - self.at_ms[markets]
        if gap_cap_ms is not None:
            dt_ms = np.minimum(dt_ms, gap_cap_ms)
        dt_ms = np.maximum(dt_ms, truth.venue.funding.tick_ms)
        before_ms = max(0, int(self.at_ms.min()))
        spot = np.maximum(truth.outside.spot(now_ms), truth.outside.spot(before_ms))[markets]
        facts = truth.markets
        return max_step(facts.rate_cap_ppm[markets], spot + spot // 10, dt_ms, facts.period_ms[markets])
