"""Outside prices that are wrong: what each fault does and does not do, what emerges, and what stops it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from drydock.faults.oracle_desync import OracleDesync
from drydock.faults.oracle_frozen import OracleFrozen
from drydock.faults.oracle_loss import OracleLoss
from drydock.faults.oracle_outlier import OracleOutlier
from drydock.faults.oracle_scale import OracleScale
from drydock.faults.oracle_zero import OracleZero
from drydock.harness.fault import is_legal
from drydock.harness.port import Fault
from drydock.models.events import PricesPublished
from drydock.models.perp.units import PRICE_QUANTUMS_MAX
from tests.faults.example import AS_HAPPENED
from tests.nights import Stage, bench, broken, play, told

START_MS, LASTS_MS = 20_500, 60_000
KNOWN_MS, FIRST_MS = 20_000, 21_000
"""The last message before the fault, and the first that it strikes."""
QUIET = ("population.fills_per_minute=0", "venue.oracle.tick_ms=1s")
UNGUARDED = "venue.safeguards.price_freshness=null"
GUARDED: tuple[str, ...] = ()
BOOK = "venue.order_book={}"


def struck(fault: type[Any], target: str = "spot-1", **fields: Any) -> Any:
    """The fault while the venue trades, for a minute."""
    return fault(step="maintenance", offset_ms=START_MS - 120_000, target=target, lasts_ms=LASTS_MS, **fields)


def stage(fault: Fault | None, *sets: str, until_ms: int = START_MS + 30_000) -> Stage:
    """A venue that is quiet but for its prices, with the fault or without."""
    made = Stage(*QUIET, *sets, regime="calm")
    if fault is not None:
        made.at(1).sim.spawn("fault/0", fault.inject(made.world))
    return made.at(until_ms)


def spots(at: Stage) -> Any:
    """The last published spot prices."""
    return told(at.events, PricesPublished)[-1][1].spot_quantums


ONE_MARKET: list[Any] = [
    struck(OracleOutlier, off_ppm=-500_000),
    struck(OracleZero),
    struck(OracleScale, digits=1),
    struck(OracleScale, digits=3, direction="down"),
    struck(OracleFrozen, markets=1),
    struck(OracleDesync, markets=1),
    struck(OracleDesync, markets=1, torn="old_stamp"),
    struck(OracleLoss, markets=1),
]


@pytest.mark.parametrize("fault", ONE_MARKET, ids=lambda fault: f"{fault.kind}-{getattr(fault, 'torn', '')}")
def test_one_market_of_one_source_leaves_the_others(fault: Any) -> None:
    """Number and time of the other source, of the other markets and of the external venues are what they were."""
    straight, bent = (stage(each, UNGUARDED).world.market_data for each in (None, fault))
    changed = (straight.spot.value != bent.spot.value) | (straight.spot.made_ms != bent.spot.made_ms)
    assert [1, 0] == changed.sum(axis=1).tolist()
    assert np.array_equal(straight.rates.value, bent.rates.value)
    assert np.array_equal(straight.rates.made_ms, bent.rates.made_ms)


@pytest.mark.parametrize("fault", ONE_MARKET, ids=lambda fault: f"{fault.kind}-{getattr(fault, 'torn', '')}")
def test_source_that_is_well_again_is_believed_again(fault: Any) -> None:
    """Two ticks after the fault everything that is known of the outside is what it would have been."""
    until_ms = START_MS + LASTS_MS + 2_100
    straight, bent = (stage(each, UNGUARDED, until_ms=until_ms).world.market_data for each in (None, fault))
    assert np.array_equal(straight.spot.value, bent.spot.value)
    assert np.array_equal(straight.spot.made_ms, bent.spot.made_ms)


def test_fewer_markets_are_among_those_of_more() -> None:
    """So that shrinking to one market strikes one that was struck before."""
    world = stage(None, "venue.markets.only=[]", until_ms=1).world
    few, more = (struck(OracleZero, markets=count).struck(world) for count in (3, 30))
    assert [3, 30, 3] == [int(few.sum()), int(more.sum()), int((few & more).sum())]


def test_truth_does_not_hear_a_wrong_source() -> None:
    """What the outside world really was is not touched by what a source says of it."""
    straight, bent = (stage(each) for each in (None, struck(OracleScale, "spot", markets=3)))
    assert np.array_equal(straight.world.outside.spot(START_MS + 20_000), bent.world.outside.spot(START_MS + 20_000))


# ---- what the numbers do --------------------------------------------------------------------------------------------
def test_outlier_of_one_of_two_sources_moves_the_median_half_way() -> None:
    """Two votes have a mean: with twice the price from one of them the venue believes one and a half."""
    straight, bent = (stage(each) for each in (None, struck(OracleOutlier, off_ppm=1_000_000, markets=3)))
    assert (spots(straight) * 3 // 2).tolist() == pytest.approx(spots(bent).tolist(), abs=2)


def test_outlier_filter_believes_whoever_is_nearer() -> None:
    """With the limit on, the outlier has no vote; where all sources moved, the price has moved."""
    limit = "venue.oracle.outlier_ppm_max=10%"
    alone, herd = struck(OracleOutlier, off_ppm=1_000_000, markets=3), struck(OracleOutlier, "spot", off_ppm=1_000_000)
    assert np.array_equal(spots(stage(None)), spots(stage(alone, limit)))
    assert not np.array_equal(spots(stage(None)), spots(stage(herd, limit)))


def test_filter_that_has_nothing_to_do_leaves_the_night() -> None:
    """Sources that agree are believed, with the parameters at work as without."""
    on = ("venue.oracle.outlier_ppm_max=10%", "venue.oracle.on_zero=drop")
    assert play().digest == play(*on).digest


def test_zero_is_a_price_only_where_the_venue_takes_it() -> None:
    """Taken it halves the median, or makes it zero; dropped the source's last price stands and grows old."""
    straight = spots(stage(None))
    one, both = (struck(OracleZero, target, markets=3) for target in ("spot-1", "spot"))
    assert (straight // 2).tolist() == spots(stage(one)).tolist()
    assert [0, 0, 0] == spots(stage(both)).tolist()
    dropped = stage(both, "venue.oracle.on_zero=drop").world.market_data
    assert {KNOWN_MS} == set(dropped.spot.made_ms.ravel().tolist())
    assert (dropped.spot.value > 0).all()


def test_number_that_no_integer_of_the_venue_holds_is_not_taken() -> None:
    """Eight digits too many are refused at the door: the source's last price stands and grows old."""
    data = stage(struck(OracleScale, digits=8, markets=3)).world.market_data
    assert (data.spot.value < PRICE_QUANTUMS_MAX).all()
    assert [KNOWN_MS] * 3 == data.spot.made_ms[0].tolist()


@pytest.mark.parametrize("kind", [OracleOutlier, OracleZero, OracleScale])
def test_one_external_venue_of_three_changes_no_basis_by_more_than_the_others_differ(kind: Any) -> None:
    """The median of three holds against one; three wrong ones are believed."""
    marks = []
    for target in (None, "external-1", "external"):
        fault = None if target is None else struck(kind, target, markets=3)
        marks.append(told(stage(fault).events, PricesPublished)[-1][1].mark_quantums)
    straight, one, all_of_them = marks
    off_ppm = [(np.abs(mark - straight) * 1_000_000 // straight).max() for mark in (one, all_of_them)]
    assert [True, True] == [off_ppm[0] < 1_000, off_ppm[1] > 100_000]


def test_frozen_source_shows_in_no_age() -> None:
    """The number stands still, its time goes on."""
    straight, bent = (stage(each) for each in (None, struck(OracleFrozen, "spot")))
    ages = [told(at.events, PricesPublished)[-1][1].age_ms.tolist() for at in (straight, bent)]
    assert ages[0] == ages[1]
    assert bent.world.outside.spot(FIRST_MS).tolist() == spots(bent).tolist()


def test_old_value_is_that_of_so_long_ago() -> None:
    """Once there is one that is old enough; its time is of now."""
    bent = stage(struck(OracleDesync, "spot", apart_ms=10_000))
    at_ms = told(bent.events, PricesPublished)[-1][0]
    assert bent.world.outside.spot((at_ms - 1) // 1_000 * 1_000 - 10_000).tolist() == spots(bent).tolist()


def test_old_stamp_is_refused_until_it_is_newer_than_what_is_known() -> None:
    """As the documented rule has it: an overtaken message changes nothing."""
    fault = struck(OracleDesync, "spot", torn="old_stamp", apart_ms=20_000)
    early, late = (stage(fault, UNGUARDED, until_ms=START_MS + ms).world for ms in (19_000, 30_000))
    assert early.outside.spot(KNOWN_MS).tolist() == early.market_data.spot.value[0].tolist()
    assert late.outside.spot(50_000).tolist() == late.market_data.spot.value[0].tolist()
    assert [30_000] * 3 == late.market_data.spot.made_ms[0].tolist()


@pytest.mark.parametrize("sets", [(BOOK,), (BOOK, UNGUARDED)])
def test_mark_of_a_book_is_not_published_where_no_basis_can_be_measured(sets: tuple[str, ...]) -> None:
    """A share of zero, or of next to nothing, is no number: checked arithmetic publishes nothing, and lives on."""
    for fault in (struck(OracleZero, "spot"), struck(OracleScale, "spot", digits=8, direction="down")):
        bent = stage(fault, *sets)
        assert told(bent.events, PricesPublished)[-1][0] <= START_MS + 5_000
        assert bent.world.market_data.is_ready


# ---- legality -------------------------------------------------------------------------------------------------------
def test_loss_leaves_a_spot_source_and_an_external_venue() -> None:
    """One of two sources may go, and two of three venues; what takes the last of its kind is no plan."""
    lost = {name: struck(OracleLoss, name) for name in OracleLoss.targets(bench())}
    assert {"spot-1", "spot-2", "external-1", "external-2", "external-3"} == set(lost)
    assert is_legal([lost["spot-1"], lost["external-1"], lost["external-3"]], bench())
    assert not is_legal([lost["spot-1"], lost["spot-2"]], bench())
    assert not is_legal([lost["external-1"], lost["external-2"], lost["external-3"]], bench())
    assert is_legal([lost["external-1"]], bench("venue.oracle.spot_sources=1"))
    assert not is_legal([lost["spot-1"]], bench("venue.oracle.spot_sources=1", "reported.plan=[]"))


# ---- what emerges, who speaks, what stops it ------------------------------------------------------------------------
def at_open(fault: type[Any], target: str = "spot-1", **fields: Any) -> Any:
    """The fault when the venue is open again."""
    return fault(step="resume", target=target, lasts_ms=LASTS_MS, **fields)


EMERGES: list[tuple[Any, tuple[str, ...], set[str], tuple[str, ...]]] = [
    (at_open(OracleOutlier, off_ppm=1_000_000, markets=3), GUARDED, {"P2", "P3", "L1"},
     ("venue.oracle.outlier_ppm_max=10%",)),
    (at_open(OracleScale, digits=1, markets=3), GUARDED, {"P2", "P3", "L1"}, ("venue.oracle.outlier_ppm_max=10%",)),
    (at_open(OracleScale, digits=3, direction="down", markets=3), GUARDED, {"P2", "P3", "L1"},
     ("venue.oracle.outlier_ppm_max=10%",)),
    (at_open(OracleZero, "spot", markets=3), GUARDED, {"P1", "P3"}, ("venue.oracle.on_zero=drop",)),
    (at_open(OracleZero, markets=3), GUARDED, {"P2", "P3", "L1"}, ("venue.oracle.on_zero=drop",)),
    (at_open(OracleLoss), AS_HAPPENED, {"P2"}, ("venue.safeguards.price_freshness={}",)),
    (at_open(OracleLoss), ("venue.declared.spot_sources_min=2",), {"P5"}, ("venue.declared.spot_sources_min=1",)),
]  # fmt: skip


@pytest.mark.parametrize(("fault", "sets", "laws", "guard"), EMERGES, ids=lambda value: getattr(value, "kind", None))
def test_wrong_price_is_told_by_its_laws_and_stopped_by_its_guard(
    fault: Any, sets: tuple[str, ...], laws: set[str], guard: tuple[str, ...]
) -> None:
    """On a venue without the guard these laws speak; with it none does."""
    assert laws <= broken(play(*sets, plan=(fault,)))
    assert set() == broken(play(*sets, *guard, plan=(fault,)))


def test_market_that_is_old_alone_is_told_by_the_law_of_one_time() -> None:
    """P4: one market under the times of two minutes ago, the others of now, and somebody is paid out on both."""
    fault = OracleDesync(
        step="maintenance", target="spot", offset_ms=-230_000, torn="old_stamp", apart_ms=90_000, markets=1,
    )  # fmt: skip
    many = ("population.transfers_per_hour=3600", "population.accounts=100", "runbook.before_ms=4m")
    night = play(*AS_HAPPENED, *many, "runbook.night_ms=15m", plan=(fault,))
    assert "P4" in broken(night)
    assert "P4" not in broken(play(*AS_HAPPENED, *many, "runbook.night_ms=15m"))


def test_halves_of_pairs_are_told_by_the_law_of_each_half() -> None:
    """An old number under a new time is P2's, a new number under an old time P8's; the freshness rule stops neither."""
    found = {}
    early = OracleDesync(step="maintenance", offset_ms=-110_000, apart_ms=35_000, lasts_ms=100_000)
    for fault in (early, replace(early, torn="old_stamp")):
        found[fault.torn] = broken(play(plan=(fault,)))
    assert {"old_value": {"P2"}, "old_stamp": {"P8"}} == found


def test_outlier_in_a_flat_market_liquidates_people_who_were_healthy() -> None:
    """The known corruption: nothing happened outside, and a wrong number costs people their positions."""
    fault = at_open(OracleOutlier, off_ppm=1_000_000, markets=3)
    usual, harmed = play(), play(plan=(fault,))
    kinds = {entry.kind for entry in harmed.entries}
    assert "liquidation" in kinds - {entry.kind for entry in usual.entries}


@pytest.mark.parametrize("seed", range(1, 5))
def test_price_that_is_a_little_off_is_not_taken_for_an_old_one(seed: int) -> None:
    """One part in a million, on one source: harmless, and no evidence of age."""
    result = play(plan=(OracleOutlier(step="resume", target="spot-1", off_ppm=1),), seed=seed)
    assert [True] == [evidence.exercised for evidence in result.evidence]
    assert set() == broken(result)
