"""What accused a right build until the model was mended: the smallest case of each, and the law that it broke."""

from __future__ import annotations

from typing import Any, NamedTuple

from drydock.harness.mistakes import Mistakes
from drydock.harness.plan import plan_from_plain
from drydock.harness.port import Case
from tests.lab.planted import FIFO, REGIME, Control, scenario


class Mended(NamedTuple):
    """A plan of the basis, and the control on which it was found."""

    what: str
    control: str
    law: str
    seed: int
    plan: tuple[dict[str, Any], ...]

    def case(self, control: Control) -> Case:
        """On that control, in FIFO order."""
        mistakes = Mistakes()
        plan = plan_from_plain(list(self.plan), (), lambda _: __name__, mistakes)
        mistakes.raise_if_any()
        return Case(scenario(*control.sets), REGIME, plan, self.seed, FIFO)


_UNHEARD = {"kind": "mode_unheard", "target": "portfolio", "late_ms": 500}
_LATE_INDICES = {"kind": "message_reorder", "target": "indices"}
_LONG_ARTEFACT = {"kind": "oversized_artefact", "target": "all"}

MENDED = (
    Mended(
        "a late block seals an index of before the closure, and the gate takes it for a new one",
        "prices-of-twenty-seconds",
        "M5",
        7470609803503343,
        (
            {**_UNHEARD, "step": "drain", "offset_ms": -1, "lasts_ms": 1_000},
            {**_LATE_INDICES, "step": "maintenance", "share_ppm": 200_000, "held_ms": 120_000, "lasts_ms": 20_000},
            {**_UNHEARD, "step": "scale-up", "offset_ms": -11_000, "lasts_ms": 2_000},
            {**_LATE_INDICES, "step": "start-services", "share_ppm": 1_000_000, "held_ms": 60_000, "lasts_ms": 50_000},
        ),
    ),
    Mended(
        "two artefacts that are too long make one of the product of their lengths",
        "artefact-as-long-as-it-gets",
        "F2",
        4063610654175877,
        (
            {**_LONG_ARTEFACT, "step": "start-services", "times": 20, "lasts_ms": 1_000},
            {**_LONG_ARTEFACT, "step": "maintenance", "times": 2, "lasts_ms": 200_000},
        ),
    ),
    Mended(
        "a liquidator that loads forgets fills that are late on their way",
        "first-check-gives-up",
        "S7",
        3275220835746354,
        (
            {
                "kind": "crash_loop",
                "step": "verify",
                "target": "liquidator",
                "times": 1,
                "restart_ms": 100,
                "up_ms": 44_000,
            },
            {
                "kind": "message_reorder",
                "step": "drain",
                "target": "fills",
                "share_ppm": 400_000,
                "held_ms": 4_000,
                "lasts_ms": 300_000,
            },
        ),
    ),
    Mended(
        "an engine that runs through the copy creates rows anew, in versions that a late write expects",
        "verifies-twice",
        "F4",
        8797380718307644,
        (
            {"kind": "operator_skips", "step": "stop-services"},
            {
                "kind": "late_write",
                "step": "scale-up",
                "offset_ms": -90_000,
                "delay_ms": 70_000,
                "commits": 30,
                "lasts_ms": 200_000,
            },
        ),
    ),
    Mended(
        "a row that a copy left out and a lost write lost again is created anew in such a version",
        "only-the-last-check",
        "F4",
        4114178748900770,
        (
            {"kind": "late_write", "step": "check", "delay_ms": 30_000, "commits": 4, "lasts_ms": 50_000},
            {
                "kind": "partial_copy",
                "step": "maintenance",
                "rows": "left_out",
                "share_ppm": 100_000,
                "late_ms": 1_000,
                "lasts_ms": 200_000,
            },
            {
                "kind": "stale_read",
                "step": "start-services",
                "target": "funding",
                "stale_ms": 300_000,
                "lasts_ms": 1_000,
            },
            {"kind": "lost_write", "step": "drain", "share_ppm": 1_000_000, "lasts_ms": 200_000},
        ),
    ),
)
