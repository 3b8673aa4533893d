"""Bends on real seams: they nest, heal, and one market that is bent leaves the other 116 as they were."""

from __future__ import annotations

from contextlib import ExitStack, suppress
from dataclasses import replace
from functools import lru_cache

import numpy as np
import pytest
from simpy import Interrupt

from drydock.faults.oracle_delay import OracleDelay
from drydock.faults.slow_load import SlowLoad
from drydock.faults.stale_read import StaleRead
from drydock.harness.port import Fault
from drydock.harness.seam import Passage
from drydock.harness.sim import Steps
from drydock.models.catalogue import SEAM_SENTENCES
from drydock.models.events import IndexPersisted, LoadCompleted, PricesPublished
from tests.faults.examples_operators import ARTEFACT, BY_KIND, LOADS_A_MINUTE, ROLLBACK, WITH_BOOK
from tests.nights import MANY_MARKETS, Stage, told

START_MS = 250_000
BENDING: list[tuple[Fault, str, str]] = [
    (SlowLoad(step="start-services", lasts_ms=20_000), "funding.load", "load"),
    (SlowLoad(step="start-services", target="liquidator", lasts_ms=20_000), "liquidator.load", "load"),
    (StaleRead(step="start-services", lasts_ms=20_000), "funding.load", "load"),
    (StaleRead(step="start-services", target="portfolio", lasts_ms=20_000), "portfolio.read", "refresh"),
    (StaleRead(step="start-services", target="vault", lasts_ms=20_000), "vault.read", "refresh"),
    (OracleDelay(step="start-services", target="spot", lasts_ms=20_000), "oracle.spot", "spot-2"),
    (OracleDelay(step="start-services", target="spot-1", lasts_ms=20_000), "oracle.spot", "spot-1"),
    (OracleDelay(step="start-services", target="external", lasts_ms=20_000), "oracle.external", "external-3"),
]


def effect(passage: Passage) -> list[tuple[int, int, bool]]:
    return list(zip(passage.delay_ms.tolist(), passage.stale_ms.tolist(), passage.is_lost.tolist(), strict=True))


@pytest.mark.parametrize(("fault", "seam", "label"), BENDING, ids=lambda value: getattr(value, "kind", value))
def test_fault_bends_from_its_moment_and_heals_by_itself(fault: Fault, seam: str, label: str) -> None:
    """Before its step the seam is straight, for its time it is bent, and afterwards it is straight again."""
    stage = Stage().at(1)
    stage.sim.spawn("fault/0", fault.inject(stage.world))
    straight = effect(Passage(3, label))
    for at_ms, is_bent in ((START_MS, False), (START_MS + 1_000, True), (START_MS + 19_000, True), (280_000, False)):
        stage.at(at_ms)
        assert is_bent == (seam in stage.world.seams.bent())
        assert is_bent == (straight != effect(stage.world.seams[seam].through(Passage(3, label))))


def until_healed(fault: Fault, stage: Stage) -> Steps:
    with suppress(Interrupt):
        yield from fault.inject(stage.world)


@pytest.mark.parametrize(("fault", "seam", "label"), BENDING, ids=lambda value: getattr(value, "kind", value))
def test_overlapping_faults_nest_and_the_first_to_heal_leaves_the_other(fault: Fault, seam: str, label: str) -> None:
    """Two on one seam, ten seconds apart: both, then one, then none; an interrupt heals at once."""
    later = replace(fault, lasts_ms=90_000)  # type: ignore[type-var]
    stage = Stage().at(1)
    for number, each in enumerate((fault, later)):
        process = stage.sim.spawn(f"fault/{number}", until_healed(each, stage))
    counts = []
    for at_ms in (START_MS + 10_000, START_MS + 30_000):
        counts.append(len(stage.at(at_ms).world.seams[seam].bends))
    process.interrupt("healed")
    stage.at(START_MS + 30_001)
    assert [2, 1, 0] == [*counts, len(stage.world.seams[seam].bends)]


def test_oracle_delay_of_one_source_leaves_the_others() -> None:
    """``spot-1`` is late; ``spot-2`` passes the same seam as if nothing were."""
    stage = Stage().at(1)
    stage.sim.spawn("fault/0", OracleDelay(step="maintenance", target="spot-1", delay_ms=5_000).inject(stage.world))
    seam = stage.at(130_000).world.seams["oracle.spot"]
    assert {0} == set(seam.through(Passage(3, "spot-2")).delay_ms.tolist())
    assert {5_000} == set(seam.through(Passage(3, "spot-1")).delay_ms.tolist())


# ---- one market of 117 ---------------------------------------------------------------------------------------------
ONE, DELAY_MS = 42, 3_000


def one_late(passage: Passage) -> bool:
    passage.delay_ms[ONE] += DELAY_MS
    return True


def loads_at(stage: Stage) -> dict[int, int]:
    return {m: at_ms for at_ms, e in told(stage.events, LoadCompleted) if e.epoch == 2 for m in e.markets.tolist()}


def persists_at(stage: Stage) -> dict[int, int]:
    return {m: at_ms for at_ms, e in told(stage.events, IndexPersisted) if at_ms < 5_000 for m in e.markets.tolist()}


def cloud_index_at(stage: Stage) -> dict[int, int]:
    return dict(enumerate(stage.world.cloud.index_ms.tolist()))


def both(seam: str, until_ms: int, *, bent: bool, restart: bool = False) -> Stage:
    stage = Stage(MANY_MARKETS, "population.fills_per_minute=0").at(900)
    with ExitStack() as bends:
        if bent:
            bends.enter_context(stage.world.seams[seam].bend(one_late))
        if restart:
            stage.world.funding.stop()
            stage.world.start_service("funding")
        return stage.at(until_ms)


@pytest.mark.parametrize(
    ("seam", "until_ms", "restart", "when"),
    [
        ("funding.load", 12_000, True, loads_at),
        ("funding.persist", 5_000, False, persists_at),
        ("funding.publish", 5_500, False, cloud_index_at),
    ],
)
def test_one_market_bent_leaves_the_other_116_unchanged(seam, until_ms, restart, when) -> None:  # type: ignore[no-untyped-def]
    """The bent market comes three seconds late; every other one comes at the millisecond at which it came before."""
    straight, bent = (when(both(seam, until_ms, bent=bent, restart=restart)) for bent in (False, True))
    assert 117 == len(straight)
    assert straight.pop(ONE) + DELAY_MS == bent.pop(ONE)
    assert straight == bent


def test_one_late_market_is_old_alone_in_the_prices() -> None:
    """Both spot sources late for one market: its price ages, the other 116 are published as before."""
    ages = []
    for bent in (False, True):
        stage = both("oracle.spot", 1_000, bent=False)
        with ExitStack() as bends:
            for _ in range(3 * bent):
                bends.enter_context(stage.world.seams["oracle.spot"].bend(one_late))
            stage.at(20_001)
        ages.append(told(stage.events, PricesPublished)[-1][1].age_ms)
    assert [ONE] == np.flatnonzero(ages[0] != ages[1]).tolist()


# ---- bends that change nothing --------------------------------------------------------------------------------------
ELSEWHERE = {
    "operator.decide": LOADS_A_MINUTE,
    "rollback.store": ROLLBACK,
    "maker.return": WITH_BOOK,
    "chain.order": BY_KIND,
    "artefact.read": ARTEFACT,
}
"""Settings under which something passes a seam that nothing passes in the bench venue's own night."""


@lru_cache
def usual(*sets: str) -> str:
    return Stage(*sets, regime="calm").at(420_000).sim.recorder.digest()


@pytest.mark.parametrize("name", SEAM_SENTENCES)
def test_bend_that_changes_nothing_leaves_the_night(name: str) -> None:
    """Whichever seam is bent, a bend that adds nothing leaves the digest: the bent path is the straight one."""
    sets = ELSEWHERE.get(name, ())
    stage = Stage(*sets, regime="calm", is_started=False)
    with stage.world.seams[name].bend(lambda passage: True) as bend:
        stage.world.start()
        stage.at(420_000)
    assert usual(*sets) == stage.sim.recorder.digest()
    assert bend.is_exercised


def test_catalogue_lists_the_seams_that_a_world_has() -> None:
    """Names and sentences are those of the parts that own them."""
    assert SEAM_SENTENCES == {seam.name: seam.sentence for seam in Stage(is_started=False).world.seams}
