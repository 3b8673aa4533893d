"""The operators' script as typed data: steps, gates, alarms, and what happens once an incident is declared."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated, Literal

from drydock.harness.port import Range
from drydock.models.spec_units import Millis, Period, Ppm
from drydock.models.venue import Mode, OrderKind

StepKind = Literal[
    "announce", "set_mode", "drain", "snapshot", "stop_services", "start_services", "scale_up", "verify", "wait",
    "rollback", "cancel_orders", "resume",
]  # fmt: skip
Gate = Literal["processes_up", "ready", "indices_present", "copies_agree", "prices_fresh"]
SERVICES = ("market_data", "funding", "liquidator", "portfolio", "vault", "front_page", "gateway")


@dataclass(frozen=True, slots=True)
class StepSpec:
    """One step of a runbook: its planned length, and fields that belong to the kind that needs them.

    ``gate`` (of verify) names what must hold; it is asked again until ``timeout_ms`` is over, and then ``on_fail``
    decides: go on as if nothing were, abort to the incident branch, or wait on.
    """

    step: StepKind
    name: str = ""
    duration_ms: Millis = 0
    mode: Mode | None = None
    services: tuple[str, ...] = ()
    keep: tuple[OrderKind, ...] = ()
    gate: tuple[Gate, ...] = ()
    timeout_ms: Millis = 60_000
    on_fail: Literal["continue", "incident", "wait"] = "continue"

    @property
    def label(self) -> str:
        """Its name, or what it does where it has none."""
        return self.name or self.step.replace("_", "-")


@dataclass(frozen=True, slots=True)
class Alarm:
    """What the operators' monitors ring at."""

    index_step_ppm: Annotated[int, Range(1, 1_000_000)] = 10_000  # [A] an index moves by 1 % of the price at once
    liquidations_per_minute: Annotated[int, Range(1, 1_000_000)] = 60  # [A]
    quiet_ppm: Ppm | None = None  # [A] liquidations ring only while no median mark moved more in a minute


@dataclass(frozen=True, slots=True)
class Incident:
    """What happens once the operators have understood: after a drawn delay, these steps instead of the rest."""

    alarm: Alarm = field(default_factory=Alarm)
    detect_ms_min: Millis = 2_040_000  # [S] Paradex's status page: 34 to 66 minutes
    detect_ms_max: Millis = 3_960_000
    decide_ms_min: Millis = 3_600_000  # [P] rollback announced 2 to 2.5 h after the start
    decide_ms_max: Millis = 5_400_000
    steps: tuple[StepSpec, ...] = ()


@dataclass(frozen=True, slots=True)
class Runbook:
    """The operators' script. ``before_ms`` of trading come first; ``window_ms`` is the announced length."""

    steps: tuple[StepSpec, ...]
    before_ms: Millis = 600_000
    window_ms: Millis = 1_800_000
    watch_ms: Millis = 300_000
    settle_ms: Millis = 120_000
    night_ms: Period = 28_800_000
    on_incident: Incident | None = None
