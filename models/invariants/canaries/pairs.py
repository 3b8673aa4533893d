"""A wrong build for P8, and its control."""

from __future__ import annotations

from drydock.harness.port import Canary
from drydock.models.accounts import Ints
from drydock.models.funding_engine import FundingEngine
from drydock.models.index_rows import AT_MS
from drydock.models.invariants.canaries.build import COLD_DATABASE, GATE_ON_LOADS, on_bench, venue_with


class StampsWhatItLoads(FundingEngine):
    """A loaded index counts as one of now: the row's value without the row's time."""

    def _take_rows(self, markets: Ints, values: Ints, version: Ints) -> None:
        values[:, AT_MS] = self.sim.now_ms
        super()._take_rows(markets, values, version)


CANARIES = (
    Canary(
        "P8",
        "a loaded index bears the time at which it was loaded",
        on_bench(*COLD_DATABASE, GATE_ON_LOADS),
        on_bench(*COLD_DATABASE, GATE_ON_LOADS),
        venue_with(funding=StampsWhatItLoads),
    ),
)
