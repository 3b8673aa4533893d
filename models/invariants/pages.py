"""V1, V2: what pages show."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from drydock.harness.event import Event
from drydock.harness.law import Eventually
from drydock.harness.port import Case, Finding
from drydock.harness.report.words import count
from drydock.models.events import BlockSealed, FrontShown, PageRefreshed, RollbackDone
from drydock.models.invariants.base import VenueLaw
from drydock.models.model import restarted_services


class PagesConverge(Eventually):
    """V1: after the window every page shows what the chain said at most ``lag_ms_max`` ago.

    What a rollback took back is not what the chain says: a page that knows only newer heights goes on showing it.
    """

    id, law_class = "V1", "service"
    sentence = "portfolio and vault pages end up showing what the chain says, after a rollback too"
    source = "Paradex, 26 January 2026: page inconsistencies fixed [P]"
    hears = (BlockSealed, RollbackDone, PageRefreshed)

    def begin(self, truth: Any) -> None:
        """Nothing sealed, nothing shown."""
        self._lag_ms_max = truth.venue.read_models.lag_ms_max
        self._states: list[tuple[int, int, int]] = []
        self._totals: dict[tuple[int, int], tuple[int, int]] = {}
        self._at_height: dict[int, tuple[int, int]] = {}
        self._shown: dict[str, PageRefreshed] = {}
        self._end_ms = 0

    def observe(self, event: Event) -> None:
        """Keeps what the chain said and when, and what each page shows last."""
        data = event.data
        self._end_ms = event.at_ms
        if isinstance(data, PageRefreshed):
            self._shown[data.service] = data
            return
        self._states.append((event.at_ms, data.sequence, data.height))
        if isinstance(data, BlockSealed):
            self._at_height[data.height] = (data.view.people_quantums, data.view.vault_quantums)
        totals = self._at_height.get(data.height)
        if totals is not None:
            self._totals[(data.sequence, data.height)] = totals

    def end(self) -> Sequence[Finding]:
        """Judges each page against the chain."""
        due = [state for state in self._states if state[0] <= self._end_ms - self._lag_ms_max]
        for service in ("portfolio", "vault"):
            self.count()
            shown = self._shown.get(service)
            if due and _is_behind(shown, *due[-1][1:]):
                seen = "nothing" if shown is None else f"height {shown.height} (block {shown.sequence})"
                said = f"height {due[-1][2]} (block {due[-1][1]})"
                self.find(
                    self._end_ms, f"the {service} page shows {seen}; the chain was at {said} long before", role=service
                )
            elif shown is not None and (shown.sequence, shown.height) in self._totals:
                right = self._totals[(shown.sequence, shown.height)][service == "vault"]
                if right != shown.total_quantums:
                    self.find(self._end_ms, f"the {service} page shows another total than its block", role=service)
        return self._findings


def _is_behind(shown: PageRefreshed | None, sequence: int, height: int) -> bool:
    """Whether a page shows less than this state. A rollback seals no block: it gives the last one another height."""
    return shown is None or shown.sequence < sequence or (shown.sequence == sequence and shown.height != height)


class NoDefaults(VenueLaw):
    """V2: before prices have arrived a page shows no price, not a default one."""

    id, law_class = "V2", "service"
    sentence = "a page shows no default before it has loaded"
    source = "Paradex front page, 19 January 2026 [P]: a BTC price of 0"
    hears = (FrontShown,)

    def applicable(self, case: Case) -> bool:
        """Where the runbook restarts the front page: one that has been up since long has loaded."""
        return "front_page" in restarted_services(case.scenario)

    def observe(self, event: Event) -> None:
        """Judges each time the front page shows something new."""
        defaults = event.data.defaults
        told = f"the front page shows a default price for {count(defaults, 'market')}"
        self.check(event, defaults == 0, told, role="market")
