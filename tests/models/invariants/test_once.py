"""O4 and S6 on events made by hand: once, twice, too late, taken back."""

from __future__ import annotations

from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

import pytest

from drydock.harness.event import Event
from drydock.harness.port import Finding
from drydock.models.events import BlockSealed, Bust, Fill, RollbackDone, SnapshotTaken
from drydock.models.invariants.once import AskedFor, SealedOnce
from drydock.models.matching import OF_PERSON, OF_TRIGGER
from tests.nights import Stage

WORLD = Stage(is_started=False).world
TRUTH, LAYOUT = WORLD.truth, WORLD.layout
MAKER_SLOT = LAYOUT.own_slots[1][0]
INTENTS = TRUTH.intents
LATE_MS = TRUTH.venue.declared.copies_lag_ms + TRUTH.venue.chain.block_ms


def details(law: Any, *told: tuple[int, Any]) -> list[str]:
    """What the law says of these events at these times."""
    return [finding.detail for finding in found(law, *told)]


def found(law: Any, *told: tuple[int, Any]) -> Sequence[Finding]:
    """What the law finds in these events at these times."""
    law.begin(TRUTH)
    for nth, (at_ms, data) in enumerate(told):
        law.observe(Event(at_ms, "test", data.kind, nth, None, data))
    findings: Sequence[Finding] = law.end()
    return findings


# ---- S6 -------------------------------------------------------------------------------------------------------------
TAKER_SLOT = LAYOUT.own_slots[9][0]
MARKET = LAYOUT.market_of[TAKER_SLOT]
FILLED = Fill(MARKET, 9, 1, 10, 9_000_000, 0, OF_PERSON)
BUSTED = Bust(MARKET, 9, 1, 10, 9_000_000)
ROLLED_BACK = RollbackDone(1, 0, 0, 0, 0, 1, 1, 1, 1, 9)


def block(fills: int) -> BlockSealed:
    """A sealed block with that fill in it, so many times."""
    view = SimpleNamespace(layout=LAYOUT, fills=[(TAKER_SLOT, MAKER_SLOT, 10, 9_000_000)] * fills)
    return BlockSealed(7, 7, 0, 0, fills, view)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("told", "words"),
    [
        ([(0, FILLED), (5_000, block(1))], ""),
        ([(0, FILLED), (0, FILLED), (5_000, block(2))], ""),
        ([(0, FILLED), (4_000, BUSTED), (5_000, block(0)), (90_000, block(0))], ""),
        ([(0, FILLED), (5_000, block(0)), (LATE_MS, block(1))], ""),
        ([(0, FILLED), (5_000, ROLLED_BACK), (90_000, block(0))], ""),
        ([(5_000, block(1))], "that the cloud has not made"),
        ([(0, FILLED), (5_000, block(2))], "not as often"),
        ([(0, FILLED), (4_000, BUSTED), (5_000, block(1))], "not as often"),
        ([(0, FILLED), (LATE_MS, block(0)), (LATE_MS + 1, block(0))], "is not sealed after"),
        ([(0, FILLED), (LATE_MS + 1, block(0)), (90_000, block(1))], "is not sealed after"),
        ([(0, FILLED), (LATE_MS + 1, block(1))], "ms after it was made"),
    ],
)
def test_fill_is_sealed_once_and_in_time(told: list[tuple[int, Any]], words: str) -> None:
    """One finding where it is not, however late it comes in the end; none where it is bust or rolled back."""
    findings = details(SealedOnce(), *told)
    assert (1 if words else 0) == len(findings)
    assert all(words in detail for detail in findings)


def test_a_late_fill_is_named_beside_the_block_that_shows_it() -> None:
    """Who reads the story wants the fill: the block it is found in has a hundred others."""
    findings = found(SealedOnce(), (0, FILLED), (LATE_MS + 1, block(1)))
    assert [["block.sealed", "fill"]] == [[kind for _, kind, _ in finding.events] for finding in findings]


# ---- O4 -------------------------------------------------------------------------------------------------------------
ASKED = 3
AT_MS, ACCOUNT, WHERE, SIZE = (int(column[ASKED]) for column in (
    INTENTS.at_ms, INTENTS.account, INTENTS.market, INTENTS.size
))  # fmt: skip


def fill(size: int = SIZE, origin: int = OF_PERSON) -> Fill:
    """A fill of whoever asked fourth."""
    return Fill(WHERE, ACCOUNT, 1, size, 9_000_000, 0, origin)


HALF = SIZE // 2
SNAPSHOT = SnapshotTaken(1, 0, 0, 0, 0)


@pytest.mark.parametrize(
    ("told", "findings"),
    [
        ([(AT_MS, fill())], 0),
        ([(AT_MS, fill(HALF)), (AT_MS, fill(SIZE - HALF))], 0),
        ([(AT_MS, fill()), (AT_MS, Bust(WHERE, ACCOUNT, 1, SIZE, 9_000_000)), (AT_MS, fill())], 0),
        ([(AT_MS - 1, SNAPSHOT), (AT_MS, fill()), (AT_MS, ROLLED_BACK), (AT_MS, fill())], 0),
        ([(AT_MS, fill()), (AT_MS, fill(-SIZE, OF_TRIGGER))], 0),
        ([(AT_MS - 1, fill())], 1),
        ([(AT_MS, fill()), (AT_MS, fill())], 1),
        ([(AT_MS, fill(-SIZE))], 1),
        ([(AT_MS, fill()), (AT_MS, SNAPSHOT), (AT_MS, ROLLED_BACK), (AT_MS, fill())], 1),
    ],
)
def test_nobody_trades_more_than_he_asked_for(told: list[tuple[int, Any]], findings: int) -> None:
    """In parts, after a bust or a rollback again; not earlier, not twice, not on the other side."""
    assert findings == len(details(AskedFor(), *told))
