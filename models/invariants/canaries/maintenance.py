"""Wrong builds for M1 to M6 and W1, and their controls."""

from __future__ import annotations

from drydock.harness.port import Canary
from drydock.harness.sim import Steps
from drydock.models.accounts import Holdings, Ints
from drydock.models.chain import Chain, Snapshot
from drydock.models.funding_engine import FundingEngine
from drydock.models.invariants.canaries.build import COLD_DATABASE, GATE_ON_LOADS, on_bench, venue_with
from drydock.models.runbook import Player

ROLLBACK = (
    "runbook.steps.0={step: snapshot, duration_ms: 2m}",
    "runbook.steps.1={step: set_mode, name: maintenance, mode: maintenance}",
    "runbook.steps.2={step: drain, duration_ms: 10s}",
    "runbook.steps.4={step: rollback}",
    "population.transfers_per_hour=600",
)
"""The venue trades for two minutes after its snapshot, closes, and goes back to it: fills and deposits are erased."""

LOADS_A_MINUTE = ("venue.funding.load_mean_ms=60s", "venue.funding.load_sigma_ppm=0")


class KeepsItsFlags(FundingEngine):
    """What is loaded is noted outside of the process: the next one finds the flags of the last, and its gate open."""

    def forget(self) -> None:
        """Forgets prices only."""
        self._prices = None


class AnnouncesUnheard(Player):
    """The announcement does not wait for the services."""

    def _wait_for_acks(self, mode: str) -> Steps:
        return
        yield


class ForgetsCachedIndices(Chain):
    """Restoring takes each position's cached funding index for the market's."""

    def _decode(self, snapshot: Snapshot) -> tuple[Holdings, Ints, Ints]:
        holdings, index, mark = super()._decode(snapshot)
        holdings.cached[:] = index[self.layout.market]
        return holdings, index, mark


class TrustsEveryGate(Player):
    """A gate that cannot fail."""

    def _holds(self, gate: str) -> bool:
        return True


class KeepsItsPlaceOnL1(Chain):
    """A rollback leaves the cursor in the L1 ledger where it is: deposits credited since the snapshot are lost."""

    def restore(self, snapshot: Snapshot) -> None:
        """Everything but the cursor."""
        cursor = self.l1_cursor
        super().restore(snapshot)
        self.l1_cursor = cursor


CANARIES = (
    Canary(
        "M1",
        "a restarted funding engine finds the flags of the last process and takes its rows for loaded",
        on_bench(*COLD_DATABASE, GATE_ON_LOADS),
        on_bench(*COLD_DATABASE, GATE_ON_LOADS),
        venue_with(funding=KeepsItsFlags),
    ),
    Canary(
        "M2", "modes are announced before the services know them", on_bench(), on_bench(),
        venue_with(player=AnnouncesUnheard),
    ),
    Canary(
        "M3", "restoring a snapshot takes cached indices for current ones", on_bench(), on_bench(),
        venue_with(chain=ForgetsCachedIndices),
    ),
    Canary(
        "M5",
        "the gate before the resume is always open, and rows take a minute to load",
        on_bench(*LOADS_A_MINUTE),
        on_bench(*LOADS_A_MINUTE),
        venue_with(player=TrustsEveryGate),
    ),
    Canary(
        "M6",
        "a rollback forgets to take back the chain's place in the L1 ledger",
        on_bench(*ROLLBACK),
        on_bench(*ROLLBACK),
        venue_with(chain=KeepsItsPlaceOnL1),
    ),
    Canary(
        "W1",
        "the announced window is shorter than what a cold database takes to load",
        on_bench(*LOADS_A_MINUTE, "runbook.window_ms=3m"),
        on_bench(*LOADS_A_MINUTE),
    ),
)  # fmt: skip
