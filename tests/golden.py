"""The nights whose digests are pinned in ``golden.json``, on every interpreter and processor.

``python -m tests.golden`` prints their digests; ``python -m tests.golden --write`` pins them anew. Do that when a model
changes on purpose, and say so in the changelog: every saved case then tells another story.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from drydock.faults.crash import Crash
from drydock.faults.early_start import EarlyStart
from drydock.faults.oracle_delay import OracleDelay
from drydock.faults.slow_load import SlowLoad
from drydock.faults.stale_read import StaleRead
from drydock.harness.port import Case, Fault
from drydock.harness.run import run_case
from drydock.harness.scenario import load_scenario
from drydock.harness.sim import Ties
from drydock.models.kit import VenueKit

PINNED = Path(__file__).with_name("golden.json")
AS_HAPPENED = (
    "venue.funding.readiness=process_up",
    "venue.safeguards.price_freshness=null",
    "runbook.steps.6.gate=[processes_up]",
)
TWELVE = (
    "venue.markets.only=[BTC-USD-PERP, ETH-USD-PERP, SOL-USD-PERP, PAXG-USD-PERP, HYPE-USD-PERP, XRP-USD-PERP,"
    " ADA-USD-PERP, AVAX-USD-PERP, BNB-USD-PERP, DOGE-USD-PERP, LINK-USD-PERP, SUI-USD-PERP]"
)
REDUCED = (
    TWELVE, "population.accounts=200", "population.fills_per_minute=60", "runbook.before_ms=2m",
    "runbook.steps.5.duration_ms=3m", "runbook.on_incident.detect_ms_min=4m", "runbook.on_incident.detect_ms_max=6m",
    "runbook.on_incident.decide_ms_min=3m", "runbook.on_incident.decide_ms_max=5m",
)  # fmt: skip
"""The Paradex night on 12 markets and 200 accounts, with a shorter copy and operators who are quicker."""
SQUEEZED = (TWELVE, "population.accounts=400", "population.fills_per_minute=60", "runbook.watch_ms=1m")
"""The second wave alone on 12 markets and 400 accounts."""
ALL_FAULTS: tuple[Fault, ...] = (
    SlowLoad(step="start-services", mean_ms=9_000),
    EarlyStart(step="start-services", target="liquidator", early_ms_max=30_000),
    StaleRead(step="start-services", target="vault", stale_ms=20_000),
    OracleDelay(step="resume", target="spot", delay_ms=20_000, lasts_ms=40_000),
    Crash(step="resume", target="market_data", offset_ms=10_000, restart_ms=3_000),
)


def cases() -> dict[str, Case]:
    """The pinned cases by name."""
    bench, as_happened = load_scenario("bench"), load_scenario("bench", AS_HAPPENED)
    paradex = load_scenario("paradex-2026-01-19", REDUCED)
    reopening = load_scenario("paradex-reopening", SQUEEZED)
    return {
        "bench, calm, empty plan": Case(bench, "calm", (), 1),
        "bench, crash, empty plan": Case(bench, "crash", (), 2),
        "bench as happened, calm, every fault": Case(as_happened, "calm", ALL_FAULTS, 3),
        "bench as happened, calm, every fault, fifo": Case(as_happened, "calm", ALL_FAULTS, 3, Ties("fifo")),
        "paradex reduced, flat, reported plan": Case(paradex, "flat", paradex.reported, 4),
        "paradex reduced, calm, empty plan": Case(paradex, "calm", (), 5),
        "paradex reopening reduced, flat, reported plan": Case(reopening, "flat", reopening.reported, 5),
    }


def digests() -> dict[str, str]:
    """The digest of each pinned case, by name."""
    found = {name: run_case(case, VenueKit()) for name, case in cases().items()}
    assert [] == [result.error for result in found.values() if result.error]
    return {name: result.digest for name, result in found.items()}


if __name__ == "__main__":
    text = json.dumps(digests(), indent=2) + "\n"
    if "--write" in sys.argv[1:]:
        PINNED.write_text(text, encoding="utf-8")
    sys.stdout.write(text)
