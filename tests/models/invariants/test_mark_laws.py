"""What the laws say of depth, triggers, marks and pages, told event by event or played on a whole night."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from drydock.models.events import (
    FrontShown,
    PricesPublished,
    ResumeChecked,
)
from drydock.models.invariants.canaries.maintenance import ROLLBACK
from drydock.models.invariants.liquidation import Gate
from drydock.models.invariants.maintenance import ResumeGate
from drydock.models.invariants.marks import NearFair, ThinBookIndependence
from drydock.models.invariants.pages import NoDefaults
from drydock.models.order_events import (
    AuctionUncrossed,
    MarkSampled,
)
from tests.models.invariants.told import BAND, TO_MAINTENANCE, TO_OK, TO_POST_ONLY, details, fired, sampled, truth
from tests.nights import play

# ---- M5, L3 ---------------------------------------------------------------------------------------------------------
THIN = ResumeChecked(0, 0, 0, 0, 3)


def reopened(
    sample: MarkSampled, *more: tuple[int, Any], before: MarkSampled | None = None, sets: tuple[str, ...] = ()
) -> list[str]:
    """What M5 says of books at a reopening whose last mark saw this, and the one before it the same or ``before``."""
    told = ((4_000, sampled()), (6_000, TO_MAINTENANCE), (7_000, TO_POST_ONLY), *more)
    marks = ((9_000, before or sample), (10_000, sample))
    found = details(ResumeGate(), *told, *marks, (11_000, THIN), (11_000, TO_OK), sets=sets)
    return [detail for detail in found if "without a side" in detail]


def test_ok_with_books_that_lost_a_side_is_found() -> None:
    """Unless an auction was held, or so many are declared to be normal."""
    found = ["3 books without a side at OK that was there before"]
    assert found == reopened(sampled(no_bid=True))
    assert [] == reopened(sampled())
    assert [] == reopened(sampled(no_bid=True), (8_000, AuctionUncrossed(3, 1)))
    assert [] == reopened(sampled(no_bid=True), sets=("venue.declared.thin_markets_ppm_max=100%",))


def test_side_that_one_mark_missed_is_not_lost() -> None:
    """Between a maker's old quote and his new one a side is missing for a moment, on any night."""
    assert [] == reopened(sampled(no_bid=True), before=sampled())


def test_books_are_judged_when_the_declared_grace_is_over() -> None:
    """While it lasts the venue acts on nobody, and makers may still come back."""
    told = ((5_000, sampled()), (6_000, TO_MAINTENANCE), (7_000, TO_POST_ONLY), (10_000, sampled(no_bid=True)))
    opened = (*told, (11_000, THIN), (11_000, TO_OK), (70_000, sampled(no_bid=True)))
    grace = ("venue.declared.grace_ms=1m",)

    def found(*last: tuple[int, Any]) -> list[str]:
        return [d for d in details(ResumeGate(), *opened, *last, sets=grace) if "without a side" in d]

    assert [] == found((75_000, sampled()))
    late = ["3 books without a side when the grace is over that was there before"]
    assert late == found((75_000, sampled(no_bid=True)), (80_000, sampled(no_bid=True)))


def test_trigger_is_judged_as_a_liquidation_is() -> None:
    """By the declared matrix, and by the grace after OK."""
    quiet = ("venue.declared.post_only=[cancel, post]", "venue.declared.grace_ms=1m")
    told = ((1, fired(1, "post_only")), (2, TO_OK), (60_001, fired(2)), (60_002, fired(3)))
    found = ["a trigger of account 9 fires in mode post_only", "a trigger of account 9 fires 59999 ms after OK"]
    assert found == details(Gate(), *told, sets=quiet)
    assert [] == details(Gate(), *told)


# ---- P6, P7 ---------------------------------------------------------------------------------------------------------
def priced(at_ms: int, sample: MarkSampled, age_ms: int = 0) -> tuple[tuple[int, Any], tuple[int, Any]]:
    """A sample, and the prices of its tick, made of inputs of this age."""
    spot, ages = truth().outside.spot(0), np.full(3, age_ms)
    return (at_ms, sample), (at_ms, PricesPublished(spot, sample.mark_quantums, ages, ages))


def test_mark_far_from_the_outside_price_is_found_where_it_may_act() -> None:
    """At 1 % it may stay, beyond it is found; in MAINTENANCE a mark does nothing to anybody."""
    assert [] == details(NearFair(), *priced(5_000, sampled(mark_ppm=9_999)))
    found = details(NearFair(), *priced(5_000, sampled(mark_ppm=10_500)))
    assert 1 == len(found)
    assert found[0].startswith("3 marks too far from the outside price in ok; ")
    assert [] == details(NearFair(), (1, TO_MAINTENANCE), *priced(5_000, sampled(mark_ppm=10_500)))


def test_mark_that_is_too_old_to_act_is_not_judged() -> None:
    """By the age that the venue declares for a fill: who uses an older price breaks P2."""
    far = sampled(mark_ppm=10_500)
    assert [1, 0] == [len(details(NearFair(), *priced(5_000, far, age_ms))) for age_ms in (30_000, 30_001)]


def test_mark_in_post_only_stays_within_band_and_spread() -> None:
    """5 bps and a spread of 6: 10 bps are right, 12 are not; without a declared band both are."""
    told = (*priced(5_000, sampled()), (6_000, TO_POST_ONLY), *priced(10_000, sampled(mark_ppm=1_000)))
    assert [] == details(NearFair(), *told, sets=BAND)
    assert 1 == len(details(NearFair(), *told, *priced(15_000, sampled(mark_ppm=1_200)), sets=BAND))
    assert [] == details(NearFair(), *told, *priced(15_000, sampled(mark_ppm=1_200)))


def test_mark_that_another_method_made_is_found() -> None:
    """What the law says of single orders would say nothing of such a mark."""
    spot, age_ms = truth().outside.spot(0), np.zeros(3, np.int64)
    wrong = sampled(mark_ppm=50)
    told = ((5_000, wrong), (5_000, PricesPublished(spot, wrong.mark_quantums, age_ms, age_ms)))
    found = ["3 marks other than the documented method gives, first BTC-USD-PERP"]
    assert found == details(ThinBookIndependence(), *told)


@pytest.mark.parametrize("cold_start", ["keep", "last_trade", "forget"])
def test_averages_of_the_law_follow_those_of_the_venue(cold_start: str) -> None:
    """Over a night with a restart, whichever averages outlive it, the law's replay gives the published marks."""
    result = play(f"venue.order_book={{cold_start: {cold_start}}}", regime="crash")
    method = [f.detail for f in result.findings if f.law == "P7" and "documented method" in f.detail]
    assert [] == method
    assert result.checks["P7"] > 50


# ---- V1, V2 ---------------------------------------------------------------------------------------------------------
def test_page_that_knows_only_newer_heights_is_found() -> None:
    """After a rollback it shows what is no more; one that reads anew shows what the chain says."""
    sets = (*ROLLBACK, "runbook.watch_ms=30s", "runbook.settle_ms=30s", "venue.read_models.lag_ms_max=15s")
    result = play(*sets, "venue.read_models.after_rollback=newest_height")
    found = [finding.detail for finding in result.findings if finding.law == "V1"]
    assert 2 == len(found)
    assert all("page shows height" in detail for detail in found)
    assert "V1" not in {finding.law for finding in play(*sets).findings}


def test_default_on_the_front_page_is_counted() -> None:
    """A page with no prices to show shows none."""
    found = details(NoDefaults(), (1, FrontShown(0)), (2, FrontShown(117)))
    assert ["the front page shows a default price for 117 markets"] == found
