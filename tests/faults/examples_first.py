"""Examples of the first five faults."""

from __future__ import annotations

from drydock.faults.crash import Crash
from drydock.faults.early_start import EarlyStart
from drydock.faults.oracle_delay import OracleDelay
from drydock.faults.slow_load import SlowLoad
from drydock.faults.stale_read import StaleRead
from tests.faults.example import Example

EXAMPLES = [
    Example(Crash(step="resume", target="funding", offset_ms=5_000, restart_ms=2_000)),
    Example(EarlyStart(step="start-services", target="funding", early_ms_max=60_000)),
    Example(OracleDelay(step="start-services", target="spot", delay_ms=30_000)),
    Example(SlowLoad(step="start-services", target="funding", mean_ms=9_000)),
    Example(StaleRead(step="start-services", target="vault", stale_ms=60_000)),
]
