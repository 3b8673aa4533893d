"""Unwinding: the vault sells what it took over, reduce-only, in its phase, where fills are allowed."""

from __future__ import annotations

import pytest

from drydock.models.accounts import VAULT
from drydock.models.events import Fill
from drydock.models.matching import OF_VAULT
from tests.models.floor import ANNA, BTC, BUY, PPM, SELL, give, held, quiet, rest
from tests.nights import Stage, told

NOW_MS = 11_000


def with_inventory(size: int, depth: int, *sets: str) -> Stage:
    """The vault holds a position, and Anna quotes both sides one per cent away with this depth."""
    stage = quiet(*sets).at(NOW_MS)
    world = stage.world
    give(world, VAULT, size)
    mark = world.cloud.mark_one(BTC)
    for side in (BUY, SELL):
        rest(world, ANNA, side, mark - side * mark // 100, depth)
    return stage


def sold(stage: Stage) -> list[tuple[int, int]]:
    """(time, signed size) of the vault's own orders that were met."""
    return [(at_ms, e.size_quantums) for at_ms, e in told(stage.events, Fill) if e.origin == OF_VAULT]


@pytest.mark.parametrize("size", [100, -100])
def test_vault_closes_what_it_holds_and_no_more(size: int) -> None:
    """Long or short, it ends at nothing and never on the other side."""
    stage = with_inventory(size, 1_000).at(60_000)
    assert [(11_500, -size)] == sold(stage)
    assert 0 == held(stage.world, VAULT)


@pytest.mark.parametrize(("phase", "expected"), [("0", 15_000), ("1500ms", 11_500), ("3s", 13_000), ("4999ms", 14_999)])
def test_vault_unwinds_in_its_phase(phase: str, expected: int) -> None:
    """At t mod five seconds, every five seconds, until nothing is left."""
    stage = with_inventory(100, 1_000, f"venue.order_book={{unwind_phase_ms: {phase}, unwind_ppm: 500000}}").at(60_000)
    times = [at_ms for at_ms, _ in sold(stage)]
    assert [expected + 5_000 * n for n in range(len(times))] == times
    assert [-50, -25, -13, -6, -3, -2, -1] == [size for _, size in sold(stage)]


def test_vault_sells_only_within_the_price_band() -> None:
    """Into a book that bids far below it sells nothing, and keeps what it holds."""
    stage = quiet().at(NOW_MS)
    world = stage.world
    give(world, VAULT, 100)
    band_ppm = int(world.markets.band_ppm[BTC])
    mark = world.cloud.mark_one(BTC)
    rest(world, ANNA, BUY, mark - mark * band_ppm // PPM - 1, 1_000)
    assert ([], 100) == (sold(stage.at(14_900)), held(world, VAULT))


def test_what_the_book_cannot_take_is_tried_again_with_the_next_period() -> None:
    """A remainder is rejected; nothing of the vault ever rests."""
    stage = with_inventory(100, 30).at(14_000)
    world = stage.world
    assert (70, 2 - 1) == (held(world, VAULT), world.matching.resting())
    rest(world, ANNA, BUY, world.cloud.mark_one(BTC) * 99 // 100, 1_000)
    assert 0 == held(stage.at(17_000).world, VAULT)


MODES = [
    ("ok", "true", True), ("post_only", "true", False), ("cancel_only", "true", False), ("maintenance", "true", False),
    ("post_only", "false", True), ("cancel_only", "false", False), ("auction", "false", False),
]  # fmt: skip


@pytest.mark.parametrize(("mode", "matrix", "sells"), MODES)
def test_vault_sells_only_where_fills_are_allowed(mode: str, matrix: str, sells: bool) -> None:
    """Honoured, the matrix keeps it out of POST_ONLY; ignored, it sells wherever orders meet."""
    stage = with_inventory(100, 1_000, f"venue.safeguards.mode_matrix={matrix}")
    stage.world.set_mode(mode)
    assert sells == bool(sold(stage.at(14_000)))


def test_nobody_unwinds_while_the_liquidator_is_down_and_it_goes_on_in_the_same_phase() -> None:
    """It is the liquidator's work; a restart at an odd time does not move it, and it is done once."""
    stage = with_inventory(1_000, 1_000, "venue.order_book={unwind_ppm: 100000}").at(12_345)
    stage.world.liquidator.crash(10_000)
    times = [at_ms for at_ms, _ in sold(stage.at(60_000))]
    assert 11_500 == times[0]
    assert list(range(26_500, 60_000, 5_000)) == times[1:]
