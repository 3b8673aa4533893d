"""MyLaw: the venue is closed for no longer than half an hour at a stretch.

It works as it stands. To make it yours, change the sentence, the class, what it hears and what it checks. Events are in
`drydock/models/events.py`; `self.check` counts, and keeps a finding where what it is given does not hold.

A law that nobody has seen fail is no evidence: `CANARIES` has a build that it must catch, and one that looks alike and
must pass. Without one, every verdict is INCONCLUSIVE.
"""

from __future__ import annotations

from drydock.harness.event import Event
from drydock.harness.port import Canary
from drydock.models.events import ModeChanged
from drydock.models.invariants.base import VenueLaw
from drydock.models.invariants.canaries.build import on_bench

CLOSED_MS_MAX = 30 * 60_000


class MyLaw(VenueLaw):
    """From the end of OK to the next OK no more than ``CLOSED_MS_MAX`` pass."""

    id = "my_law"
    # safety: one violation is a NO-GO. service: the policy gives a share of runs. loss: an amount too.
    law_class = "safety"
    role = "venue"  # whom or what it strikes, by kind: two failures of one law are told apart by it
    sentence = "the venue is closed for no longer than half an hour at a stretch"
    source = "our own promise"
    hears = (ModeChanged,)

    def __init__(self) -> None:
        super().__init__()
        self._closed_ms: int | None = None

    def observe(self, event: Event) -> None:
        """Called with every event of the kinds that it hears, in order."""
        if event.data.before == "ok":
            self._closed_ms = event.at_ms
        if event.data.mode == "ok" and self._closed_ms is not None:
            closed_ms = event.at_ms - self._closed_ms
            self.check(event, closed_ms <= CLOSED_MS_MAX, f"the venue was closed for {closed_ms} ms")
            self._closed_ms = None


_LONG_COPY = ("runbook.night_ms=60m", "runbook.steps.4.duration_ms=31m")

CANARIES = (Canary("my_law", "the database is copied for 31 minutes", on_bench(*_LONG_COPY), on_bench()),)
