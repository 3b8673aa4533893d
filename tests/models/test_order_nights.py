"""Whole bench nights with the order book: money, the second copy, digests, bends that add nothing, and the twin."""

from __future__ import annotations

import numpy as np
import pytest

from drydock.faults.crash import Crash
from drydock.faults.oracle_delay import OracleDelay
from drydock.faults.slow_load import SlowLoad
from drydock.faults.stale_read import StaleRead
from drydock.harness.port import Fault
from drydock.models.catalogue import SEAM_SENTENCES
from drydock.models.events import Fill
from drydock.models.order_events import OrderPlaced
from tests.models.floor import BOOK
from tests.nights import Stage, broken, of, play, told

CROWD = (
    BOOK,
    "population.makers=2",
    "population.opportunists=3",
    "population.squeezers=2",
    "population.traders.harvests_per_hour=2000",
    "population.traders.squeezes_per_hour=6000",
    "population.fills_per_minute=60",
    "population.traders.limit_ppm=200000",
)
"""Everybody who can stand in a book, and busy."""
WILD = (
    *CROWD,
    "venue.safeguards.mode_matrix=false",
    "venue.read_models.after_rollback=newest_height",
    "runbook.window_ms=1m",
    "population.traders.maker_return_ms=60s",
)
"""The same with the switches off that night had off, and makers who come late."""
MONEY = {"S1", "S2", "F6"}


# ---- money ----------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("seed", range(1, 7))
@pytest.mark.parametrize("regime", ["calm", "crash"])
@pytest.mark.parametrize("sets", [(BOOK,), CROWD, WILD], ids=["book", "crowd", "wild"])
def test_no_money_appears_or_goes_in_a_night_with_a_book(sets: tuple[str, ...], regime: str, seed: int) -> None:
    """S1, S2 and F6 hold from the first block to the last, with makers, squeezers, triggers and the vault in it."""
    result = play(*sets, regime=regime, seed=seed)
    assert set() == broken(result) & MONEY
    assert of(result.events, Fill)


@pytest.mark.parametrize("plan", [(SlowLoad("start-services", "funding", 0, 9_000, 600_000),)])
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_no_money_appears_or_goes_when_indices_are_lost(plan: tuple[Fault, ...], seed: int) -> None:
    """A readiness at process start sets indices to zero and people are liquidated into the book: sums still hold."""
    result = play(*WILD, "venue.funding.readiness=process_up", plan=plan, seed=seed)
    assert set() == broken(result) & MONEY


@pytest.mark.parametrize("seed", [1, 2])
@pytest.mark.parametrize("regime", ["calm", "crash"])
def test_sizes_of_a_market_sum_to_zero_in_both_copies_at_every_moment(regime: str, seed: int) -> None:
    """Whoever trades with whom, one has what the other lacks, and the cloud's money is the chain's and what is on its
    way."""
    stage = Stage(*WILD, regime=regime, seed=seed)
    layout = stage.world.layout
    for at_ms in range(2_500, 600_000, 7_500):
        stage.at(at_ms)
        for copy in (stage.world.cloud.holdings, stage.world.chain.holdings):
            assert {0} == set(layout.per_market(copy.size).tolist())


@pytest.mark.parametrize("regime", ["calm", "crash"])
def test_cloud_is_the_chain_once_everything_has_arrived(regime: str) -> None:
    """In maintenance, after two blocks, sizes and money of every account agree to the unit; funding too."""
    stage = Stage(*CROWD, "population.transfers_per_hour=0", regime=regime).at(131_000)
    cloud, chain = stage.world.cloud.holdings, stage.world.chain.holdings
    assert chain.size.tolist() == cloud.size.tolist()
    worth = [copy.value(stage.world.cloud.mark, stage.world.chain.index, stage.world.markets.mmf_ppm, 0).equity
             for copy in (chain, cloud)]  # fmt: skip
    assert int(np.abs(worth[0] - worth[1]).max()) <= 100 * len(stage.of(Fill))  # rounding of funding, fill by fill


def test_margin_held_back_is_never_negative_through_a_whole_night() -> None:
    """Through closure, expiry of sessions, triggers, liquidations and reopening."""
    stage = Stage(*WILD, regime="crash")
    for at_ms in range(2_500, 600_000, 2_500):
        stage.at(at_ms)
        matching = stage.world.matching
        assert min(matching.open.reserved.values(), default=0) >= 0
        resting = sum(1 for book in matching.books for order in book if not order.is_quote)
        assert resting == sum(matching.open.count.values())
    assert stage.of(OrderPlaced)


# ---- digests --------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("sets", [(BOOK,), CROWD, WILD], ids=["book", "crowd", "wild"])
@pytest.mark.parametrize("regime", ["calm", "crash"])
def test_same_night_with_a_book_has_the_same_digest_twice(sets: tuple[str, ...], regime: str) -> None:
    """And another seed another one."""
    digests = [play(*sets, regime=regime, seed=seed).digest for seed in (3, 3, 4)]
    assert digests[0] == digests[1] != digests[2]


NOTHING: list[Fault] = [
    OracleDelay(step="maintenance", target="spot", delay_ms=0),
    OracleDelay(step="maintenance", target="external", delay_ms=0),
    StaleRead(step="start-services", target="portfolio", stale_ms=0),
]


@pytest.mark.parametrize("fault", NOTHING, ids=lambda fault: f"{fault.kind}-{fault.target}")
def test_fault_that_adds_nothing_leaves_a_night_with_a_book(fault: Fault) -> None:
    """The digest of what happened at the venue is that of the night without it."""
    plain, bent = play(*CROWD), play(*CROWD, plan=(fault,))
    expected, found = ([e for e in run.events or () if not e.kind.startswith("fault.")] for run in (plain, bent))
    assert [(e.at_ms, e.lane, e.kind) for e in expected] == [(e.at_ms, e.lane, e.kind) for e in found]


@pytest.fixture(scope="module")
def usual() -> str:
    return Stage(*CROWD, regime="calm").at(420_000).sim.recorder.digest()


@pytest.mark.parametrize("seam", SEAM_SENTENCES)
def test_bend_of_a_seam_that_changes_nothing_leaves_the_digest(seam: str, usual: str) -> None:
    """Orders, quotes and prices that pass a bent seam unharmed come as if it were straight."""
    stage = Stage(*CROWD, regime="calm", is_started=False)
    with stage.world.seams[seam].bend(lambda passage: True):
        stage.world.start()
        stage.at(420_000)
    assert usual == stage.sim.recorder.digest()


# ---- the twin -------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_before_a_fault_the_night_is_its_twin(seed: int) -> None:
    """Up to the crash both nights are the same, event by event: nothing that is drawn depends on what will break."""
    fault = Crash(step="start-services", target="funding", offset_ms=3_000)
    whole, struck = (play(*CROWD, plan=plan, seed=seed, regime="calm") for plan in ((), (fault,)))
    first_ms = min(e.at_ms for e in struck.events or () if e.kind.startswith("fault."))
    before = [[(e.at_ms, e.lane, e.kind) for e in run.events or () if e.at_ms < first_ms] for run in (whole, struck)]
    assert before[0] == before[1]
    assert 200_000 < first_ms


def test_people_are_drawn_the_same_with_and_without_a_book() -> None:
    """The same persons with the same positions try the same at the same time: only what comes of it differs."""
    with_book, without = (Stage(*sets, is_started=False, regime="calm") for sets in ((BOOK,), ()))
    assert without.world.people._at_ms == with_book.world.people._at_ms
    assert without.world.people._size == with_book.world.people._size
    assert without.world.chain.root() == with_book.world.chain.root()


def test_night_without_a_book_places_no_order() -> None:
    """Nothing of the second wave is there where the venue has no book."""
    events = play(regime="crash").events
    assert [] == [data for kind in (OrderPlaced,) for _, data in told(events, kind)]
