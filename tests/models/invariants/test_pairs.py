"""P8 on events made by hand: pairs that were committed together, halves of pairs, bursts and rollbacks."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from drydock.harness.event import Event
from drydock.models.events import IndexPublished, PricesPublished, RollbackDone
from drydock.models.invariants.pairs import PairAtomicity
from tests.nights import Stage

TICK_MS = 5_000
ROLLED_BACK = RollbackDone(1, 0, 0, 0, 0, 1, 1, 1, 1, 9)
FAR = 1 << 50


def details(*told: tuple[int, Any]) -> list[str]:
    """What the law finds in these events: the watch hears each before it, as in a night."""
    world = Stage(is_started=False).world
    law = PairAtomicity()
    law.begin(world.truth)
    for at_ms, data in told:
        world.sim.run_until(at_ms)
        law.observe(
            world.sim.emit(data if isinstance(data, RollbackDone) else published(world.truth.start_index, *data))
        )
    return [finding.detail for finding in law.end()]


def published(start: Any, dt_ms: int, markets: tuple[int, ...] = (0, 1, 2), off: int = 0) -> IndexPublished:
    """Indices of these markets, so far from those of the night's start, over so much time."""
    chosen = np.array(markets)
    return IndexPublished(1, chosen, start[chosen] + off, np.full(len(chosen), dt_ms), 0)


@pytest.mark.parametrize(
    ("told", "words"),
    [
        ([(5_000, (TICK_MS,)), (10_000, (TICK_MS,))], ""),
        ([(5_000, (TICK_MS,)), (60_000, (55_000,))], ""),
        ([(5_000, (TICK_MS,)), (10_000, (TICK_MS,)), (60_000, (55_000,))], ""),
        ([(5_000, (TICK_MS, (0, 1))), (10_000, (TICK_MS, (0, 1))), (15_000, (15_000, (2,)))], ""),
        ([(5_000, (TICK_MS,)), (20_000, (TICK_MS,)), (20_000, (TICK_MS,)), (20_000, (TICK_MS,)), (25_000, (TICK_MS,))],
         ""),
        ([(5_000, (TICK_MS,)), (31_000, ROLLED_BACK), (60_000, (29_000,))], ""),
        ([(5_000, (TICK_MS,)), (60_000, (TICK_MS,))], "at which time no index was committed"),
        ([(5_000, (TICK_MS, (0, 1))), (10_000, (TICK_MS, (0, 1, 2)))], "1 index accrued from"),
        ([(5_000, (TICK_MS,)), (10_000, (TICK_MS,)), (60_000, (55_000, (0,), FAR))], "another index was committed"),
    ],
)  # fmt: skip
def test_index_is_accrued_from_a_pair_that_was_committed(told: list[tuple[int, Any]], words: str) -> None:
    """From its last publication, an earlier one, the night's start or a rollback; in a burst as a whole."""
    found = details(*told)
    assert (1 if words else 0) == len(found)
    assert all(words in detail for detail in found)


def test_clocks_may_differ_by_what_the_venue_declares() -> None:
    """100 ms of skew are within any two servers' clocks; a millisecond more is another time."""
    told = [(5_000, (TICK_MS,)), (60_000, (55_000 + 100,))], [(5_000, (TICK_MS,)), (60_000, (55_000 + 101,))]
    assert [0, 1] == [len(details(*each)) for each in told]


def prices(spot: Any, age_ms: int, live: int) -> PricesPublished:
    """Prices that say they are so old, with so many live sources."""
    return PricesPublished(spot, spot, np.full(len(spot), age_ms), np.full(len(spot), live))


def test_price_of_sources_that_are_all_old_was_a_price_back_then() -> None:
    """A number that nobody said so long ago bears the wrong time; with one live source nothing is known."""
    world = Stage(regime="calm", is_started=False).world
    law, outside = PairAtomicity(), world.truth.outside
    law.begin(world.truth)
    old, new = outside.spot(20_000), outside.spot(80_000) + 1_000_000
    found = []
    for spot, live in ((old, 0), (new, 1), (new, 0)):
        data = prices(spot, 60_000, live)
        law.observe(Event(80_000, "test", data.kind, 1, None, data))
        found.append(len(law.end()))
    assert [0, 0, 1] == found
