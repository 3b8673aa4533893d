"""What no venue of this model survives: plans beyond the basis, and the law that each breaks on the right build.

Some laws say that a thing must not happen, and the fault is that it happens; others ask for a part that this venue has
not. ``docs/lab.md`` says which, and why.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from drydock.harness.mistakes import Mistakes
from drydock.harness.plan import plan_from_plain
from drydock.harness.port import Case
from tests.lab.planted import FIFO, REGIME, scenario

_AWAY = {"kind": "crash", "target": "funding", "restart_ms": 20_000}


class Outside(NamedTuple):
    """A plan of which at least one fault is outside of the basis."""

    law: str
    seed: int
    plan: tuple[dict[str, Any], ...]

    @property
    def label(self) -> str:
        """The law, and the kinds."""
        return f"{self.law}-" + "+".join(fault["kind"] for fault in self.plan)

    def case(self) -> Case:
        """On the right build, in FIFO order."""
        mistakes = Mistakes()
        plan = plan_from_plain(list(self.plan), (), lambda _: __name__, mistakes)
        mistakes.raise_if_any()
        return Case(scenario(), REGIME, plan, self.seed, FIFO)


def _one(law: str, kind: str, step: str, seed: int = 1, **fields: Any) -> Outside:
    return Outside(law, seed, ({"kind": kind, "step": step, **fields},))


OUTSIDE = (
    Outside(
        "M5",
        1,
        (
            {"kind": "operator_decides", "step": "check", "decision": "go_on"},
            {**_AWAY, "step": "check", "offset_ms": -1_000},
        ),
    ),
    Outside("M5", 1, ({"kind": "operator_skips", "step": "check"}, {**_AWAY, "step": "post-only", "offset_ms": 0})),
    Outside("M5", 1, ({"kind": "operator_swaps", "step": "check"}, {**_AWAY, "step": "post-only", "offset_ms": 0})),
    Outside("M5", 1, ({"kind": "operator_swaps", "step": "post-only"}, {**_AWAY, "step": "check", "offset_ms": 3_000})),
    Outside(
        "M5",
        1,
        (
            {"kind": "operator_delays", "step": "resume", "delay_ms": 1_000},
            {**_AWAY, "step": "check", "offset_ms": 500},
        ),
    ),
    _one("M2", "operator_repeats", "maintenance"),
    _one("M2", "mode_unheard", "maintenance", late_ms=10_000),
    _one("M2", "pause", "maintenance", target="gateway", offset_ms=-1_000, lasts_ms=20_000),
    _one("M2", "gate_ignored", "maintenance", 2, target="withdraw"),
    _one("F8", "catch_up_burst", "start-services", target="funding"),
    _one("F8", "catch_up_burst", "start-services", target="market_data"),
    Outside(
        "F7",
        1,
        (
            {"kind": "gap_integration", "step": "start-services"},
            {
                "kind": "slow_boot",
                "step": "start-services",
                "target": "funding/load",
                "offset_ms": -1_000,
                "delay_ms": 60_000,
            },
        ),
    ),
    Outside(
        "F3",
        1,
        (
            {"kind": "early_ready", "step": "snapshot", "target": "funding/load"},
            {"kind": "genesis_restore", "step": "scale-up", "target": "funding", "lasts_ms": 3_600_000},
        ),
    ),
    _one("P8", "clock_jump", "resume", target="funding", jump_ms=-600_000, lasts_ms=12_000),
    _one("P8", "clock_skew", "resume", target="funding", skew_ms=60_000),
    _one("F4", "lost_tail", "start-services", offset_ms=9_000, lost_ms=9_000),
    _one("S6", "message_loss", "resume", target="fills", share_ppm=1_000_000, lasts_ms=60_000),
    _one("S6", "message_delay", "resume", target="fills", delay_ms=60_000),
    _one("S6", "message_reorder", "resume", target="fills", held_ms=60_000, share_ppm=500_000),
    _one(
        "S7", "message_loss", "maintenance", 2, target="news", offset_ms=-100_000, share_ppm=1_000_000, lasts_ms=300_000
    ),
    _one("S7", "partition_one_way", "maintenance", 2, target="chain>cloud", offset_ms=-100_000, lasts_ms=300_000),
    Outside(
        "S7",
        1509705959865623,
        (
            {
                "kind": "crash_loop",
                "step": "post-only",
                "target": "liquidator",
                "times": 5,
                "restart_ms": 840,
                "up_ms": 13_814,
            },
            {"kind": "early_ready", "step": "check", "target": "liquidator/process_up", "lasts_ms": 60_000},
        ),
    ),
    _one("S6", "partition", "resume", target="chain|cloud", lasts_ms=60_000),
    _one("P2", "oracle_desync", "resume", target="spot", apart_ms=60_000),
    Outside(
        "P2",
        8811284659246990,
        (
            {
                "kind": "oracle_desync",
                "step": "maintenance",
                "target": "spot-1",
                "apart_ms": 6_000,
                "markets": 1,
                "lasts_ms": 200_000,
            },
            {
                "kind": "message_loss",
                "step": "verify",
                "target": "spot",
                "offset_ms": -180,
                "share_ppm": 600_000,
                "lasts_ms": 60_000,
            },
        ),
    ),
    _one("P3", "oracle_scale", "resume", target="spot", offset_ms=-29_057, digits=5, direction="down", markets=200),
    _one("L1", "oracle_outlier", "resume", target="external", off_ppm=-500_000, markets=200),
)
