"""D1: whether the venue's own monitors say that something is wrong."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from drydock.harness.event import Event
from drydock.harness.port import Case, Finding
from drydock.harness.run import FaultInjected
from drydock.models.database_events import DatabaseState
from drydock.models.events import (
    AlarmRaised,
    BlockSealed,
    BreakerTripped,
    Bust,
    LiquidationRefused,
    ServiceState,
    TickPaused,
    TickRejected,
)
from drydock.models.invariants.base import VenueLaw
from drydock.models.model import model_of
from drydock.models.operation_events import ArtefactRefused, GateUnready
from drydock.models.order_events import REJECTED_STALE, IntentRejected

MONITOR_OF: dict[type, str] = {
    AlarmRaised: "alarm",
    GateUnready: "gate",
    TickRejected: "validation", TickPaused: "validation", BreakerTripped: "validation", ArtefactRefused: "validation",
    IntentRejected: "refusal", LiquidationRefused: "refusal", Bust: "refusal",
    ServiceState: "process", DatabaseState: "process",
}  # fmt: skip
"""Which monitor an event belongs to; of those with more than one meaning, :func:`_rings` says which counts."""


class Detection(VenueLaw):
    """D1: each fault that interferes is flagged by a monitor within the declared time of its first act.

    A venue says which of its monitors count; where it names none, it promises nothing and nothing is judged. What a
    fault did is not asked: one that harmed nobody tonight and that nobody noticed will be there tomorrow. That a
    monitor rang *because of* it is not asked either: whoever is called looks at everything.
    """

    id, law_class = "D1", "service"
    sentence = "whatever interferes with the maintenance, one of the venue's monitors says so in time"
    source = "house rule; 19 January 2026: the status page was green for an hour [P]"
    hears = (FaultInjected, BlockSealed, *MONITOR_OF)

    def applicable(self, case: Case) -> bool:
        """Where the venue declares monitors."""
        return bool(model_of(case.scenario).venue.declared.monitors)

    def begin(self, truth: Any) -> None:
        """Nothing has interfered, nothing has rung."""
        super().begin(truth)
        self._monitors = frozenset(truth.venue.declared.monitors)
        self._silent: list[Event] = []
        self._late: list[Event] = []
        self._rang_ms = -1

    def observe(self, event: Event) -> None:
        """Keeps who waits to be noticed; a monitor notices all whose time is not over."""
        due_ms = event.at_ms - self.truth.venue.declared.detect_ms_max
        self._late += [fault for fault in self._silent if fault.at_ms < due_ms]
        self._silent = [fault for fault in self._silent if fault.at_ms >= due_ms]
        if isinstance(event.data, FaultInjected):
            self.count()
            if event.at_ms != self._rang_ms:  # a fault that kills says so after the process has died, in one instant
                self._silent.append(event)
        elif MONITOR_OF.get(type(event.data)) in self._monitors and _rings(event.data):
            self._silent, self._rang_ms = [], event.at_ms

    def end(self) -> Sequence[Finding]:
        """One finding for each that nobody noticed in time; what the run's end cut short is not judged."""
        named = ", ".join(sorted(self._monitors))
        for fault in self._late:
            told = f"{fault.data.fault} at {fault.data.at}: of {named} no monitor says so in time"
            self.find(fault.at_ms, told, fault.identity, role=fault.data.fault)
        return self._findings


def _rings(data: Any) -> bool:
    """Whether this event of a monitor says that something is wrong, and not how things are."""
    if isinstance(data, ServiceState | DatabaseState):
        return data.state == "crashed"
    return not isinstance(data, IntentRejected) or data.reason == REJECTED_STALE
