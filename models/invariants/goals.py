"""Goals: what a rehearsal must have reached, or it has shown too little."""

from __future__ import annotations

from typing import Any

from drydock.harness.event import Event
from drydock.harness.law import Sometimes
from drydock.harness.port import Case
from drydock.models.events import (
    Fill,
    IndexPublished,
    L1Transferred,
    Liquidation,
    LoadCompleted,
    ModeChanged,
    SnapshotTaken,
)
from drydock.models.model import model_of


class _Goal(Sometimes):
    source = "house rule: vacuous is not green"


class IndexTicksAfterRestart(_Goal):
    """G1."""

    id, sentence = "G1", "a restarted funding engine loads its rows and ticks again"
    hears = (LoadCompleted, IndexPublished)

    def applicable(self, case: Case) -> bool:
        """Where the runbook restarts the funding engine."""
        return _restarts(case, "funding")

    def begin(self, truth: Any) -> None:
        """Only later epochs count: the first is the night's start."""
        self._is_reached = False

    def observe(self, event: Event) -> None:
        """A tick of a later epoch than the first."""
        data = event.data
        if isinstance(data, IndexPublished) and data.epoch > 1 and not self._is_reached:
            self._is_reached = True
            self.hit(event, f"epoch {data.epoch} ticks {len(data.markets)} markets")


class TradesAfterResume(_Goal):
    """G2."""

    id, sentence = "G2", "people trade again after the maintenance"
    hears = (ModeChanged, Fill)

    def applicable(self, case: Case) -> bool:
        """Where the runbook resumes and people trade at all."""
        model = model_of(case.scenario)
        return model.population.fills_per_minute > 0 and any(s.step == "resume" for s in model.runbook.steps)

    def begin(self, truth: Any) -> None:
        """Before the first change of mode nothing counts."""
        self._is_waiting = False

    def observe(self, event: Event) -> None:
        """The first fill after OK was announced again."""
        if isinstance(event.data, ModeChanged):
            self._is_waiting = event.data.mode == "ok"
        elif self._is_waiting:
            self._is_waiting = False
            self.hit(event, "the first fill after the resume")


class LiquidationInCrash(_Goal):
    """G3."""

    id, sentence = "G3", "when prices crash, the liquidator works"
    hears = (Liquidation,)

    def applicable(self, case: Case) -> bool:
        """In a crash only."""
        return case.regime == "crash"

    def begin(self, truth: Any) -> None:
        """Not reached yet."""
        self._is_reached = False

    def observe(self, event: Event) -> None:
        """Any liquidation; whether it was right is L1's business."""
        if not self._is_reached:
            self._is_reached = True
            self.hit(event, f"account {event.data.account} is liquidated")


class SnapshotIsTaken(_Goal):
    """G4."""

    id, sentence = "G4", "a snapshot to go back to is taken"
    hears = (SnapshotTaken,)

    def applicable(self, case: Case) -> bool:
        """Where the runbook takes one."""
        return any(step.step == "snapshot" for step in model_of(case.scenario).runbook.steps)

    def observe(self, event: Event) -> None:
        """The snapshot."""
        self.hit(event, f"at height {event.data.height}")


class DepositWhileClosed(_Goal):
    """G5."""

    id, sentence = "G5", "money arrives on L1 while the venue is closed"
    hears = (ModeChanged, L1Transferred)

    def applicable(self, case: Case) -> bool:
        """Where people deposit and the runbook closes the venue."""
        model = model_of(case.scenario)
        closes = any(step.step == "set_mode" and step.mode != "ok" for step in model.runbook.steps)
        return closes and model.population.transfers_per_hour > 0 and model.population.withdraw_ppm < 1_000_000

    def begin(self, truth: Any) -> None:
        """The night begins open."""
        self._is_closed = False
        self._is_reached = False

    def observe(self, event: Event) -> None:
        """A deposit in any mode but OK."""
        if isinstance(event.data, ModeChanged):
            self._is_closed = event.data.mode != "ok"
        elif self._is_closed and event.data.amount_quantums > 0 and not self._is_reached:
            self._is_reached = True
            self.hit(event, "a deposit while closed")


def _restarts(case: Case, service: str) -> bool:
    steps = model_of(case.scenario).runbook.steps
    return any(step.step == "start_services" and service in step.services for step in steps)
