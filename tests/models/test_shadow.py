"""The shadow book: what every account would be worth at the truth, following what really happened."""

from __future__ import annotations

import numpy as np
import pytest

from drydock.faults.slow_load import SlowLoad
from drydock.harness.run import run_case
from drydock.harness.sim import Sim
from drydock.models.events import Bust, Fill, IndexPublished, Liquidation, RollbackDone
from drydock.models.kit import VenueKit
from drydock.models.world import VenueWorld
from tests.nights import Stage, bench, case_of, of

AS_HAPPENED = (
    "venue.funding.readiness=process_up",
    "venue.safeguards.price_freshness=null",
    "runbook.steps.6.gate=[processes_up]",
    "venue.oracle.tick_ms=1s",
    "venue.markets.only=[]",
)


def quiet(*sets: str, regime: str = "flat") -> Stage:
    return Stage("population.transfers_per_hour=0", *sets, regime=regime)


def played(*sets: str, plan: tuple[SlowLoad, ...] = (), seed: int = 1, regime: str = "flat") -> VenueWorld:
    """The world after a whole night, with its shadow."""
    kept: list[VenueWorld] = []

    def make(case, sim: Sim) -> VenueWorld:  # type: ignore[no-untyped-def]
        kept.append(VenueWorld(case, sim))
        return kept[0]

    result = run_case(case_of(bench(*sets), plan, seed, regime), VenueKit(), keep_trace=True, world_maker=make)
    assert "" == result.error
    return kept[0]


@pytest.mark.parametrize("regime", ["flat", "calm"])
def test_right_venue_and_its_shadow_hold_the_same_positions(regime: str) -> None:
    """Fill by fill, until everything under way has reached a block: equal sizes in shadow, cloud and chain."""
    stage = quiet(regime=regime).at(139_000)
    world = stage.world
    world.truth.shadow.value(139_000)
    assert stage.of(Fill)
    assert world.chain.holdings.size.tolist() == world.truth.shadow.holdings.size.tolist()
    assert world.cloud.holdings.size.tolist() == world.truth.shadow.holdings.size.tolist()


def test_right_venue_at_flat_prices_is_worth_what_the_truth_says() -> None:
    """Before anything goes wrong the venue's own value of every account is the shadow's, to within its band."""
    stage = quiet().at(100_000)
    shadow = stage.world.truth.shadow
    true, own = shadow.value(100_000), stage.world.cloud.value()
    assert (np.abs(true.equity - own.equity) <= shadow.band()).all()
    assert true.margin.tolist() == own.margin.tolist()


def test_liquidations_happen_to_the_shadow_too_at_true_indices() -> None:
    """Positions follow what really happened, wrong as it was; values do not follow wrong indices."""
    world = played(*AS_HAPPENED, plan=(SlowLoad(step="start-services", mean_ms=9_000),))
    shadow, now_ms = world.truth.shadow, world.sim.now_ms
    true = shadow.value(now_ms)
    own = world.cloud.value()
    assert of(world.sim.recorder.kept, Liquidation)
    assert [] == of(world.sim.recorder.kept, RollbackDone)
    assert shadow.holdings.size.tolist() == world.cloud.holdings.size.tolist()
    assert (np.abs(true.equity - own.equity) > shadow.band() * 10).any()


def test_account_hit_by_a_reset_index_was_healthy_at_the_truth() -> None:
    """In the wave's night at flat prices not one liquidation is justified."""
    unjustified: list[bool] = []

    def listen(world: VenueWorld) -> None:
        def hear(happened):  # type: ignore[no-untyped-def]
            unjustified.append(not world.truth.shadow.justified(happened.at_ms)[happened.data.account])

        world.sim.hear(Liquidation, hear)

    def make(case, sim: Sim) -> VenueWorld:  # type: ignore[no-untyped-def]
        world = VenueWorld(case, sim)
        listen(world)
        return world

    plan = (SlowLoad(step="start-services", mean_ms=9_000),)
    run_case(case_of(bench(*AS_HAPPENED), plan, 1, "flat"), VenueKit(), world_maker=make)
    assert unjustified
    assert all(unjustified)


def test_account_under_margin_at_true_prices_is_justly_liquidated() -> None:
    """In a crash, with a venue that does everything right, every liquidation is justified."""
    world = Stage("population.transfers_per_hour=0", seed=2, regime="crash").world
    just: list[bool] = []
    world.sim.hear(Liquidation, lambda e: just.append(bool(world.truth.shadow.justified(e.at_ms)[e.data.account])))
    world.sim.run_until(590_000)
    assert just
    assert all(just)


def test_wrong_index_is_known_market_by_market() -> None:
    """A market whose publication leaves the band is wrong until one comes back; the others are not."""
    stage = quiet().at(900)
    shadow, index = stage.world.truth.shadow, stage.world.chain.index
    for value, wrong in ((0, [False, True, False]), (int(index[1]), [False] * 3)):
        moved = index.copy()
        moved[1] = value
        stage.sim.emit(IndexPublished(1, np.arange(3), moved, np.full(3, 5_000), 0))
        assert wrong == shadow.is_wrong.tolist()


def test_bust_is_undone_in_the_shadow() -> None:
    """A fill that the chain refuses leaves the shadow as it was."""
    stage = quiet().at(1)
    shadow, layout = stage.world.truth.shadow, stage.world.layout
    before = shadow.value(1).equity.tolist()
    market, taker = int(layout.market[-1]), int(layout.account[-1])
    price = int(stage.world.cloud.mark[market])
    stage.sim.emit(Fill(market, taker, 1, 50, price * 9 // 10, 0))
    assert before != shadow.value(1).equity.tolist()
    stage.sim.emit(Bust(market, taker, 1, 50, price * 9 // 10))
    assert before == shadow.value(1).equity.tolist()


def test_nobody_in_the_world_asks_the_shadow() -> None:
    """A world without listeners plays the same night: the digest does not know whether anybody looked."""
    looked, alone = Stage(regime="calm"), Stage(regime="calm")
    for at_ms in range(1, 300_000, 7_919):
        looked.at(at_ms)
        looked.world.truth.shadow.value(at_ms)
        looked.world.truth.shadow.justified(at_ms)
    assert alone.at(300_000).sim.recorder.digest() == looked.at(300_000).sim.recorder.digest()
