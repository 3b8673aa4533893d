"""M8 beyond its canary: what it compares, and which blocks it leaves alone."""

from __future__ import annotations

import pytest

from drydock.faults.crash import Crash
from drydock.harness.run import run_case
from drydock.models.chain import Chain, FillTx
from drydock.models.events import BlockSealed
from drydock.models.invariants.canaries.build import RAISED_MARGIN, venue_with
from drydock.models.invariants.canaries.maintenance import ROLLBACK
from drydock.models.invariants.canaries.replay import MANY_FILLS
from drydock.models.invariants.replay import Commutes
from drydock.models.kit import VenueKit
from tests.nights import bench, broken, case_of, of, play

each_seed = pytest.mark.parametrize("seed", [1, 2, 3])


def test_blocks_say_where_the_funding_ticks_came() -> None:
    """Fills before a tick pay the old index, fills after it the new one: a block says how many came before."""
    views = [sealed.view for sealed in of(play(MANY_FILLS).events, BlockSealed)]
    among = [view for view in views for after in view.index_after if 0 < after < len(view.fills)]
    assert among
    assert all(list(view.index_after) == sorted(view.index_after) for view in views)


def test_order_of_fills_is_judged_about_once_a_minute_of_trading() -> None:
    """Two minutes before the window, two after it: a few looks, at a small part of a night's price."""
    checks = play(MANY_FILLS).checks["M8"]
    assert 3 <= checks <= 6


@each_seed
@pytest.mark.parametrize("sets", [ROLLBACK, (RAISED_MARGIN,), ("population.transfers_per_hour=3600",)])
def test_rollbacks_liquidations_and_transfers_are_no_disorder(sets: tuple[str, ...], seed: int) -> None:
    """What a block does besides fills, and what happens between blocks, is not held against their order."""
    assert "M8" not in broken(play(MANY_FILLS, *sets, seed=seed))


@each_seed
def test_late_messages_are_no_disorder(seed: int) -> None:
    """A funding engine that dies and is back ticks out of step, and several times a block or not at all."""
    plan = (Crash("resume", "funding", offset_ms=5_000, restart_ms=100),)
    assert "M8" not in broken(play(MANY_FILLS, plan=plan, seed=seed))


class PricesByTheFirst(Chain):
    """All fills of a market in a group are booked at the price of the first: the first to come decides."""

    def _apply_fills(self, group: list[FillTx]) -> None:
        first: dict[int, int] = {}
        alike = []
        for fill in group:
            price = first.setdefault(self.layout.market_of[fill.taker_slot], fill.price + len(first))
            alike.append(fill._replace(price=price))
        super()._apply_fills(alike)


def test_booking_at_another_price_is_found() -> None:
    """The balances differ from those that the block's own fills give."""
    result = run_case(case_of(bench(MANY_FILLS)), VenueKit(), world_maker=venue_with(chain=PricesByTheFirst))
    assert "" == result.error
    assert ["quote"] == sorted({f.detail.rsplit(" of ", 1)[1] for f in result.findings if f.law == "M8"})


def test_venue_without_fills_has_nothing_to_commute() -> None:
    """It is not vacuous there, it does not apply."""
    assert Commutes().applicable(case_of(bench()))
    assert not Commutes().applicable(case_of(bench("population.fills_per_minute=0")))
