"""P2 does not take a price's word for its age."""

from __future__ import annotations

from drydock.faults.oracle_delay import OracleDelay
from drydock.faults.oracle_desync import OracleDesync
from drydock.harness import registry
from drydock.harness.port import WorldMaker
from drydock.harness.run import run_case
from drydock.harness.seam import Mask
from drydock.models.accounts import Ints
from drydock.models.invariants.canaries.build import venue_with
from drydock.models.market_data import MarketData
from tests.nights import bench, case_of

LATE = OracleDelay("resume", "spot", 0, 14_000, 50_000)


class StampsOnReceipt(MarketData):
    """A price counts as made when it arrives."""

    def _take_spot(self, message: tuple[int, int, int, Ints, Mask | None]) -> None:
        epoch, source, _, row, mask = message
        super()._take_spot((epoch, source, self.sim.now_ms, row, mask))


def laws_broken(maker: WorldMaker | None) -> set[str]:
    """What a night with late spot prices breaks, played by this build."""
    case = case_of(bench(), (LATE,), seed=3, regime="crash")
    result = run_case(case, registry.kit("venue"), world_maker=maker)
    assert not result.error
    return {finding.law for finding in result.findings}


def test_price_that_is_stamped_on_receipt_is_found_out() -> None:
    """Late prices that call themselves fresh break P2; the right build, as late, says so and breaks it not."""
    assert "P2" in laws_broken(venue_with(market_data=StampsOnReceipt))
    assert "P2" not in laws_broken(None)


def test_price_may_claim_to_be_of_long_before_the_night() -> None:
    """Two old stamps on one message: twenty minutes before a night of ten; P8 tells the pair apart."""
    old = tuple(
        OracleDesync(step, "spot", 0, torn="old_stamp", apart_ms=600_000, markets=200, lasts_ms=300_000)
        for step in ("maintenance", "drain")
    )
    result = run_case(case_of(bench(), old, regime="crash"), registry.kit("venue"))
    assert not result.error
    assert "P8" in {finding.law for finding in result.findings}
