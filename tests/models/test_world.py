"""The world: its parts wired together, and a whole night of them."""

from __future__ import annotations

import numpy as np
import pytest

from drydock.harness.seam import UnknownSeam
from drydock.models.database import Read
from drydock.models.database_events import DatabaseState
from drydock.models.events import (
    BlockSealed,
    BootStep,
    LoadCompleted,
    ModeChanged,
    PageRefreshed,
    ServiceState,
    StepStarted,
)
from drydock.models.index_rows import HEIGHT, INDEX, TABLE
from drydock.models.runbook_spec import SERVICES
from drydock.models.world import VenueWorld
from tests.nights import MANY_MARKETS, Stage, broken, of, play, told


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("regime", ["flat", "calm", "crash"])
def test_night_without_faults_breaks_no_law(seed: int, regime: str) -> None:
    """The bench venue stands its maintenance whatever the market does, and has checked something of every law."""
    result = play(seed=seed, regime=regime)
    assert set() == broken(result) - {"L4"}
    assert {law for law, checks in result.checks.items() if not checks} <= {"L4"}


def test_world_begins_running_and_with_equal_copies() -> None:
    """Every service is ready in its first epoch; cloud, chain and database have the same indices."""
    stage = Stage()
    world = stage.world
    assert dict.fromkeys(SERVICES, ("ready", 1)) == {n: (s.state, s.epoch) for n, s in world.services.items()}
    rows = world.database.transact([Read(TABLE, np.arange(3))])[0]
    assert world.chain.index.tolist() == world.cloud.index.tolist() == rows.values[:, INDEX].tolist()
    assert world.chain.holdings.to_bytes() == world.cloud.holdings.to_bytes()


def test_copies_share_no_memory() -> None:
    """What the cloud does to its copy is not done to the chain's, nor to the truth's."""
    world = Stage(is_started=False).world
    before = world.chain.holdings.to_bytes()
    world.cloud.holdings.quote += 1
    world.cloud.holdings.size += 1
    world.cloud.index += 1
    assert before == world.chain.holdings.to_bytes() == world.truth.start_holdings.to_bytes()
    assert world.truth.start_index.tolist() == world.chain.index.tolist()


# ---- anchors --------------------------------------------------------------------------------------------------------
def fires_at(stage: Stage, step: str, offset_ms: int) -> int:
    """When an anchor succeeds; -1 if it did not."""
    fired = [-1]

    def wait():  # type: ignore[no-untyped-def]
        yield stage.world.until(step, offset_ms)
        fired[0] = stage.sim.now_ms

    stage.sim.spawn("test/anchor", wait())
    stage.at(600_000)
    return fired[0]


@pytest.mark.parametrize(
    ("step", "offset_ms", "at_ms"),
    [
        ("scale-up", -30_000, 100_000),
        ("maintenance", -300_000, 0),
        ("maintenance", 0, 120_000),
        ("scale-up", 0, 130_020),
        ("scale-up", 45_000, 175_020),
    ],
)
def test_anchor_counts_from_the_plan_before_a_step_and_from_its_start_after(
    step: str, offset_ms: int, at_ms: int
) -> None:
    """Nobody knows beforehand when a step will really begin; a time before the night is its beginning."""
    assert at_ms == fires_at(Stage(), step, offset_ms)


def test_anchor_of_a_step_that_never_begins_never_fires() -> None:
    """A step of the script that the night does not reach."""
    stage = Stage("runbook.night_ms=20m", "runbook.steps.6.gate=[processes_up]")
    stage.at(1).world.services["gateway"].start = lambda: False  # type: ignore[method-assign]
    assert -1 == fires_at(stage, "resume", 1_000)


# ---- services -------------------------------------------------------------------------------------------------------
def test_service_passes_its_named_steps_in_order_and_is_then_ready() -> None:
    """Every restarted service tells each boot step once, in the order in which its class names them."""
    world = Stage(is_started=False).world
    events = play().events
    for name, service in world.services.items():
        assert list(service.boot_steps) == [e.step for e in of(events, BootStep) if e.service == name]
        states = [e.state for e in of(events, ServiceState) if e.service == name]
        assert ["stopped", "booting"] == states[:2]
        assert "ready" in states


def test_stopped_service_does_nothing_more() -> None:
    """Whatever it had under way is of an epoch that is over; starting it again begins a new one."""
    stage = Stage().at(20_000)
    for service in stage.world.services.values():
        assert service.stop()
        assert not service.stop()
    count = len(stage.events)
    stage.at(60_000)
    assert {"block.sealed", "index.onchain", "l1.transferred", "l1.credited", "intent.rejected"} >= {
        event.kind for event in stage.events[count:]
    }
    assert stage.world.services["vault"].start()
    assert not stage.world.services["vault"].start()
    assert 2 == stage.world.services["vault"].epoch


def test_crashed_service_is_restarted_by_its_supervisor_unless_somebody_was_first() -> None:
    """Once, after its time; an operator's start in between makes the supervisor's void."""
    stage = Stage().at(20_000)
    vault, portfolio = stage.world.services["vault"], stage.world.services["portfolio"]
    assert vault.crash(5_000)
    assert portfolio.crash(5_000)
    assert not vault.crash(5_000)
    stage.at(22_000)
    portfolio.start()
    portfolio.stop()
    stage.at(40_000)
    assert ("ready", 2) == (vault.state, vault.epoch)
    assert ("stopped", 2) == (portfolio.state, portfolio.epoch)


def test_service_that_is_stopped_while_it_boots_never_becomes_ready() -> None:
    """The boot is interrupted, its later steps do not happen."""
    stage = Stage().at(20_000)
    liquidator = stage.world.services["liquidator"]
    liquidator.stop()
    liquidator.start()
    stage.at(20_600)
    liquidator.stop()
    stage.at(40_000)
    assert "stopped" == liquidator.state
    assert ["process_up"] == [e.step for e in stage.of(BootStep)]


def test_database_is_closed_then_half_then_complete_during_a_scale_up() -> None:
    """An engine that starts early finds no connection, then no row, then its row."""
    from drydock.faults.early_start import EarlyStart

    early = EarlyStart(step="start-services", target="funding", early_ms_max=100_000)
    events = play("venue.funding.on_missing=skip", "venue.funding.readiness=all_loaded", plan=(early,)).events
    began_ms = next(at_ms for at_ms, e in told(events, DatabaseState) if e.state == "copying")
    connected_ms = next(at_ms for at_ms, e in told(events, BootStep) if (e.service, e.step) == ("funding", "connect"))
    loads = [(at_ms, bool(e.found.all())) for at_ms, e in told(events, LoadCompleted) if e.epoch == 2]
    assert connected_ms >= began_ms + 48_000
    assert not loads[0][1]
    assert {False, True} == {found for _, found in loads}


# ---- pages and history ----------------------------------------------------------------------------------------------
def test_pages_show_what_the_chain_had_sealed() -> None:
    """Each refresh shows a height that was sealed, its sequence, and totals that are people's and the vault's."""
    events = play().events
    sealed = {block.height: (block.sequence, block.view.quote) for block in of(events, BlockSealed)}
    shown = of(events, PageRefreshed)
    assert {"portfolio", "vault"} == {page.service for page in shown}
    assert all(page.sequence == sealed[page.height][0] for page in shown if page.height)


def test_history_answers_with_the_state_of_that_time() -> None:
    """The last sealed state at or before a time; before the first block, the start."""
    stage = Stage().at(20_001)
    assert [0, 0, 1, 1, 4] == [stage.world.history_at(at_ms)[1] for at_ms in (-5, 4_999, 5_000, 9_999, 99_000)]


def test_restore_takes_every_store_back() -> None:
    """Chain, cloud, index rows and pages are those of the snapshot; nothing refers to a later height."""
    stage = Stage("population.transfers_per_hour=0").at(30_001)
    world = stage.world
    kept = world.chain.snapshot()
    index, height = world.chain.index.copy(), world.chain.height
    stage.at(60_001)
    world.restore(kept)
    assert kept.root == world.chain.root()
    assert index.tolist() == world.chain.index.tolist() == world.cloud.index.tolist()
    assert world.chain.holdings.to_bytes() == world.cloud.holdings.to_bytes()
    rows = world.database.transact([Read(TABLE, np.arange(3))])[0]
    assert index.tolist() == rows.values[:, INDEX].tolist()
    assert {height} == {*rows.values[:, HEIGHT].tolist(), *(page.height for page in world.pages), world.cloud.height}


# ---- seams and size -------------------------------------------------------------------------------------------------
def test_world_names_its_seams_and_says_so_when_asked_for_another() -> None:
    """An unknown seam lists those that there are."""
    with pytest.raises(UnknownSeam, match=r"no seam 'funding\.laod'; this world has .*funding\.load"):
        _ = Stage(is_started=False).world.seams["funding.laod"]


def test_wrong_build_is_one_overridden_method() -> None:
    """A canary replaces a part by overriding the method that makes it; the rest of the world uses that part."""

    class NoChain(VenueWorld):
        def make_chain(self, holdings, index, mark):  # type: ignore[no-untyped-def]
            chain = super().make_chain(holdings, index, mark)
            chain.submit = lambda transaction: None  # type: ignore[method-assign]
            return chain

    stage = Stage(make=NoChain).at(30_001)
    assert all(block.transactions == 0 for block in stage.of(BlockSealed))


def test_bench_night_is_as_small_as_its_page_says() -> None:
    """Three markets, twenty accounts beside vault and maker, ten minutes at most, blocks of five seconds."""
    result = play()
    world = Stage(is_started=False).world
    assert (3, 22, 600_000) == (len(world.markets), world.layout.accounts, world.night_ms)
    assert result.ended_ms <= 600_000
    assert all(at_ms % 5_000 == 0 for at_ms, _ in told(result.events, BlockSealed))
    assert result.served_events < 10_000


def test_many_markets_pass_the_same_night() -> None:
    """All 117 markets on the bench's runbook: the same steps, the same modes, no law broken."""
    few, many = play(), play(MANY_MARKETS)
    assert set() == broken(many)
    for payload in (StepStarted, ModeChanged):
        assert told(few.events, payload) == told(many.events, payload)
