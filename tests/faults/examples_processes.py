"""Examples of the faults of processes: how they die, wait, boot and read their clock."""

from __future__ import annotations

from drydock.faults.catch_up_burst import CatchUpBurst
from drydock.faults.clock_jump import ClockJump
from drydock.faults.clock_skew import ClockSkew
from drydock.faults.crash_loop import CrashLoop
from drydock.faults.early_ready import EarlyReady
from drydock.faults.error_policy import ErrorPolicy
from drydock.faults.gap_integration import GapIntegration
from drydock.faults.pause import Pause
from drydock.faults.slow_boot import SlowBoot
from tests.faults.example import AS_HAPPENED, Example

CAPPED = ("venue.funding.gap_cap_ms=30s", "venue.declared.index_gap_cap_ms=30s")
"""The engine has a cap on gaps, and the venue declares it."""
SLOW_ROWS = "venue.funding.load_mean_ms=20s"
"""Rows take four ticks to load."""
SKIPS = (*AS_HAPPENED, "venue.funding.on_missing=skip", SLOW_ROWS)
"""A tick comes before its rows, and the venue documents that what is missing is left out."""

EXAMPLES = [
    Example(CrashLoop(step="start-services", offset_ms=5_000)),
    Example(Pause(step="resume", target="market_data", offset_ms=10_000, lasts_ms=40_000)),
    Example(SlowBoot(step="start-services")),
    Example(EarlyReady(step="start-services"), sets=(SLOW_ROWS,)),
    Example(CatchUpBurst(step="start-services"), sets=(*AS_HAPPENED, *CAPPED)),
    Example(GapIntegration(step="start-services"), sets=(*AS_HAPPENED, *CAPPED)),
    Example(ErrorPolicy(step="start-services"), sets=SKIPS),
    Example(ClockSkew(step="resume")),
    Example(ClockJump(step="resume")),
]
