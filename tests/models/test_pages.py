"""Read models: pages that follow the chain, back over a rollback or not, and a front page that knows no price yet."""

from __future__ import annotations

import pytest

from drydock.models.events import FrontShown, PageRefreshed, ServiceState
from tests.models.floor import BOOK, quiet
from tests.nights import Stage, told

ZERO = "venue.read_models.before_load=default_zero"
NEWEST = "venue.read_models.after_rollback=newest_height"


# ---- pages ----------------------------------------------------------------------------------------------------------
def rolled_back(*sets: str) -> Stage:
    """Twenty blocks after a snapshot everything goes back to it; the pages had seen the twenty."""
    stage = Stage(*sets, "venue.read_models.refresh_ms=5s").at(16_000)
    kept = stage.world.chain.snapshot()
    stage.at(111_001)
    stage.world.restore(kept)
    return stage


def shown(stage: Stage, after_ms: int) -> list[int]:
    """Heights that the portfolio page shows after a time."""
    return [
        e.height for at_ms, e in told(stage.events, PageRefreshed) if at_ms >= after_ms and e.service == "portfolio"
    ]


@pytest.mark.parametrize("sets", [(), (BOOK,)], ids=["no book", "book"])
def test_page_reads_a_rolled_back_state_anew(sets: tuple[str, ...]) -> None:
    """At once it shows the snapshot's height, and then goes on with the chain."""
    stage = rolled_back(*sets)
    height = stage.world.chain.height
    assert {height} == {page.height for page in stage.world.pages}
    assert height == shown(stage, 111_001)[0]
    stage.at(126_000)
    assert height + 1 < stage.world.pages[0].height <= stage.world.chain.height


def test_page_that_takes_only_newer_heights_lags_after_a_rollback() -> None:
    """It shows what never was, until the chain has passed that height again."""
    stage = rolled_back(NEWEST)
    before = stage.world.pages[0].height
    assert before > stage.world.chain.height
    stage.at(118_000)
    assert [] == shown(stage, 111_001)
    assert (before, True) == (stage.world.pages[0].height, stage.world.chain.height < before)


def test_page_that_takes_only_newer_heights_never_goes_back() -> None:
    """Through a whole night with a rollback its heights only grow."""
    stage = rolled_back(NEWEST).at(599_000)
    heights = shown(stage, 0)
    assert heights == sorted(heights)
    assert heights[-1] == stage.world.pages[0].height


# ---- front page -----------------------------------------------------------------------------------------------------
def restarted(*sets: str) -> Stage:
    """Front page and prices start at the same time: the page is up before the first price is."""
    stage = quiet(*sets).at(31_000)
    for name in ("market_data", "front_page"):
        stage.world.services[name].crash(1_000)
    return stage.at(60_000)


def test_front_page_shows_a_default_only_before_it_has_prices_and_only_where_the_build_does() -> None:
    """With default_zero three markets stand at $0 until the first prices, never afterwards; with blank none."""
    for sets, expected in (((ZERO,), {3}), ((), {0})):
        stage = restarted(*sets)
        ready_ms = max(at_ms for at_ms, e in told(stage.events, ServiceState) if e.service == "market_data")
        rows = told(stage.events, FrontShown)
        assert expected == {e.defaults for at_ms, e in rows if at_ms < ready_ms}
        assert 0 == rows[-1][1].defaults


def test_front_page_that_starts_after_the_prices_shows_no_default() -> None:
    """It has them at once."""
    stage = quiet(ZERO).at(31_000)
    stage.world.front_page.crash(1_000)
    assert [0] == [e.defaults for e in stage.at(60_000).of(FrontShown)]


def test_front_page_that_runs_through_keeps_the_last_prices() -> None:
    """While market data restarts it goes on with what it heard."""
    stage = quiet(ZERO).at(31_000)
    stage.world.market_data.crash(5_000)
    assert [] == stage.at(60_000).of(FrontShown)


@pytest.mark.parametrize("phase", ["null", "0", "700ms"])
def test_venue_that_has_run_since_long_shows_no_default_at_the_nights_start(phase: str) -> None:
    """Whenever its first mark of the night comes, it had prices before."""
    assert [] == quiet(ZERO, f"venue.oracle.mark_phase_ms={phase}").at(30_000).of(FrontShown)
