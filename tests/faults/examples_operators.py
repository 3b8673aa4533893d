"""Examples of the faults of operators, policies and safeguards."""

from __future__ import annotations

from drydock.faults.block_order_swapped import BlockOrderSwapped
from drydock.faults.gate_ignored import GateIgnored
from drydock.faults.gateway_loss import GatewayLoss
from drydock.faults.gateway_overload import GatewayOverload
from drydock.faults.incomplete_rollback import IncompleteRollback
from drydock.faults.makers_late import MakersLate
from drydock.faults.mode_unheard import ModeUnheard
from drydock.faults.operator_decides import OperatorDecides
from drydock.faults.operator_delays import OperatorDelays
from drydock.faults.operator_repeats import OperatorRepeats
from drydock.faults.operator_skips import OperatorSkips
from drydock.faults.operator_slow import OperatorSlow
from drydock.faults.operator_swaps import OperatorSwaps
from drydock.faults.oversized_artefact import OversizedArtefact
from drydock.faults.safeguard_misfire import SafeguardMisfire
from drydock.faults.slow_blocks import SlowBlocks
from drydock.faults.stale_liquidator import StaleLiquidator
from tests.faults.example import Example

LOADS_A_MINUTE = ("venue.funding.load_mean_ms=60s", "venue.funding.load_sigma_ppm=0")
"""Gates have something to wait for: every row takes a minute to load."""
RAISED_MARGIN = ("venue.liquidation.taker_fee_ppm=20%", "venue.safeguards.mode_matrix=true")
"""Everybody above fivefold leverage is under margin at once, at the venue's prices and at the true ones."""
ROLLBACK = (
    "runbook.steps.0={step: snapshot, duration_ms: 2m}",
    "runbook.steps.1={step: set_mode, name: maintenance, mode: maintenance}",
    "runbook.steps.2={step: drain, duration_ms: 10s}",
    "runbook.steps.4={step: rollback}",
    "population.transfers_per_hour=600",
)
"""The venue trades for two minutes after its snapshot, closes, and goes back to it: fills and deposits are erased."""
BY_KIND = ("venue.chain.order=by_kind", "population.fills_per_minute=600")
LONG_CRASH = ("runbook.before_ms=20m", "runbook.night_ms=40m", "population.accounts=100")
"""Prices fall for ten minutes before the window: there is somebody to liquidate."""
WITH_BOOK = ("venue.order_book={}",)
ARTEFACT = ("venue.artefact={market_data_max: 5, funding_max: 5, liquidator_max: 5, on_excess: raise}",)
"""Three markets: the parameters fit once, and not twice."""
CROWDED = ("population.fills_per_minute=120",)

EXAMPLES: list[Example] = [
    Example(BlockOrderSwapped(step="resume", target="indices", places=2), BY_KIND),
    Example(GateIgnored(step="maintenance"), RAISED_MARGIN),
    Example(GatewayLoss(step="resume", share_ppm=500_000), CROWDED),
    Example(GatewayOverload(step="resume"), CROWDED),
    Example(IncompleteRollback(step="maintenance", target="index_rows"), ROLLBACK),
    Example(MakersLate(step="start-services", late_ms=60_000), WITH_BOOK),
    Example(ModeUnheard(step="maintenance")),
    Example(OperatorDecides(step="verify", decision="go_on"), LOADS_A_MINUTE),
    Example(OperatorDelays(step="resume", delay_ms=60_000)),
    Example(OperatorRepeats(step="snapshot", after_ms=5_000)),
    Example(OperatorSkips(step="verify"), LOADS_A_MINUTE),
    Example(OperatorSlow(step="start-services", stretch_ppm=3_000_000)),
    Example(OperatorSwaps(step="drain")),
    Example(OversizedArtefact(step="start-services", target="funding", lasts_ms=20_000), ARTEFACT),
    Example(SafeguardMisfire(step="resume"), CROWDED),
    Example(SlowBlocks(step="resume")),
    Example(StaleLiquidator(step="maintenance", offset_ms=-120_000), LONG_CRASH, regime="crash", seed=3),
]
