"""V1: read models converge."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from drydock.harness.event import Event
from drydock.harness.law import Eventually
from drydock.harness.port import Finding
from drydock.models.events import BlockSealed, PageRefreshed


class PagesConverge(Eventually):
    """V1: after the window every page shows what the chain said at most ``lag_ms_max`` ago."""

    id, law_class = "V1", "service"
    sentence = "portfolio and vault pages end up showing what the chain says"
    source = "Paradex, 26 January 2026: page inconsistencies fixed [P]"
    hears = (BlockSealed, PageRefreshed)

    def begin(self, truth: Any) -> None:
        """Nothing sealed, nothing shown."""
        self._lag_ms_max = truth.venue.read_models.lag_ms_max
        self._sealed: list[tuple[int, int]] = []
        self._totals: dict[int, tuple[int, int]] = {}
        self._shown: dict[str, PageRefreshed] = {}
        self._end_ms = 0

    def observe(self, event: Event) -> None:
        """Keeps the last blocks and what each page shows last."""
        data = event.data
        self._end_ms = event.at_ms
        if isinstance(data, BlockSealed):
            self._sealed.append((event.at_ms, data.sequence))
            self._totals[data.sequence] = (data.view.people_quantums, data.view.vault_quantums)
        else:
            self._shown[data.service] = data

    def end(self) -> Sequence[Finding]:
        """Judges each page against the chain."""
        due = [sequence for at_ms, sequence in self._sealed if at_ms <= self._end_ms - self._lag_ms_max]
        for service in ("portfolio", "vault"):
            self.count()
            shown = self._shown.get(service)
            if due and (shown is None or shown.sequence < due[-1]):
                seen = "nothing" if shown is None else f"block {shown.sequence}"
                self.find(self._end_ms, f"the {service} page shows {seen}; the chain was at {due[-1]} long before")
            elif shown is not None and shown.sequence in self._totals:
                right = self._totals[shown.sequence][service == "vault"]
                if right != shown.total_quantums:
                    self.find(self._end_ms, f"the {service} page shows another total than its block")
        return self._findings
