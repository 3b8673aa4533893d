"""Seams: bends add, nest, and leave nothing behind."""

from __future__ import annotations

from contextlib import ExitStack, suppress

import numpy as np
import pytest
from hypothesis import given, strategies as st

from drydock.harness.seam import Bender, Passage, Seam, Seams, UnknownSeam

MARKETS = 117
bends = st.lists(st.tuples(st.integers(0, MARKETS - 1), st.integers(0, 10_000)), max_size=8)


def delaying(market: int, delay_ms: int) -> Bender:
    """Delays one market."""

    def bend(passage: Passage) -> bool:
        passage.delay_ms[market] += delay_ms
        return True

    return bend


def base() -> Passage:
    """Every market takes 50 ms."""
    return Passage(MARKETS, "load", np.full(MARKETS, 50))


@given(bends=bends)
def test_bends_add_up(bends: list[tuple[int, int]]) -> None:
    """Overlapping bends sum; every market's delay is its own bends and no other's."""
    seam = Seam("load")
    expected = [50] * MARKETS
    with ExitStack() as stack:
        for market, delay_ms in bends:
            stack.enter_context(seam.bend(delaying(market, delay_ms)))
            expected[market] += delay_ms
        assert expected == seam.through(base()).delay_ms.tolist()


@given(bends=bends, order=st.randoms(use_true_random=False))
def test_bends_may_heal_in_any_order(bends: list[tuple[int, int]], order) -> None:  # type: ignore[no-untyped-def]
    """Whichever bend goes, exactly its own delay goes; after the last nothing is left."""
    seam = Seam("load")
    open_bends = []
    for market, delay_ms in bends:
        guard = seam.bend(delaying(market, delay_ms))
        guard.__enter__()
        open_bends.append((guard, market, delay_ms))
    order.shuffle(open_bends)
    while open_bends:
        guard, _, _ = open_bends.pop()
        guard.__exit__(None, None, None)
        expected = [50 + sum(delay for _, at, delay in open_bends if at == market) for market in range(MARKETS)]
        assert expected == seam.through(base()).delay_ms.tolist()
    assert not seam


def test_one_bent_market_leaves_the_other_116_unchanged() -> None:
    """A batched message splits: one market is late, the others are one group and on time."""
    seam = Seam("load")
    with seam.bend(delaying(5, 400)):
        groups = list(seam.through(base()).groups())
    assert [(50, 116), (450, 1)] == [(delay_ms, int(mask.sum())) for delay_ms, mask in groups]
    assert [5] == np.flatnonzero(groups[1][1]).tolist()


def test_what_is_lost_is_in_no_group() -> None:
    """A lost entity never arrives, early or late."""
    passage = base()
    passage.is_lost[:10] = True
    assert [(50, 107)] == [(delay_ms, int(mask.sum())) for delay_ms, mask in passage.groups()]


def test_a_bend_is_restored_when_its_holder_fails() -> None:
    """Whatever ends the ``with`` heals."""
    seam = Seam("load")
    with suppress(LookupError), seam.bend(delaying(0, 1)):
        raise LookupError
    assert not seam


def test_a_bend_is_exercised_only_if_it_touches() -> None:
    """An operation that the bender left alone is no evidence."""
    seam = Seam("load")
    with seam.bend(lambda passage: passage.label == "tick") as bend:
        seam.through(base())
        assert not bend.is_exercised
        seam.through(Passage(1, "tick"))
        assert bend.is_exercised


def test_the_witness_knows_who_bent_and_who_was_met() -> None:
    """Evidence goes to the lane that was at work when the bend was made, not to who passed."""
    seams, heard = Seams(), []
    seam = seams.add("load", "")
    at_work = "fault/0:Slow"
    seams.witness.who = lambda: at_work
    seams.witness.heard = lambda lane, at: heard.append((lane, at))
    with seam.bend(lambda passage: True):
        at_work = "fault/1:Idle"
        with seam.bend(lambda passage: False):
            at_work = "loader"
            seam.through(base())
    assert ({"fault/0:Slow"}, {"fault/0:Slow", "fault/1:Idle"}) == (seams.witness.exercised, seams.witness.acted)
    assert [("fault/0:Slow", "load"), ("fault/1:Idle", "load")] == heard


def test_a_bend_that_lies_in_wait_acts_when_it_touches() -> None:
    """Its lane is that of who made it, whoever passes; one that touches nothing never acted."""
    seams, heard = Seams(), []
    seam = seams.add("read", "")
    lane = "fault/0:Slip"
    seams.witness.who = lambda: lane
    seams.witness.heard = lambda who, at: heard.append((who, at))
    with seam.bend(lambda passage: passage.label == "second", lies_in_wait=True):
        lane = "runbook"
        seam.through(Passage(1, "first"))
        assert [] == heard
        seam.through(Passage(1, "second"))
    assert [("fault/0:Slip", "read")] == heard
    assert {"fault/0:Slip"} == seams.witness.exercised == seams.witness.acted


def test_an_operation_counts_as_evidence_when_marked() -> None:
    """A fault that operates instead of bending says so."""
    seams = Seams()
    seams.witness.who = lambda: "fault/0:EarlyStart"
    seams.mark_exercised("boot")
    assert {"fault/0:EarlyStart"} == seams.witness.exercised


def test_an_unknown_seam_is_told_with_those_that_exist() -> None:
    """A fault that misspells its seam learns what there is."""
    seams = Seams()
    seams.add("load", "")
    with pytest.raises(UnknownSeam, match="no seam 'lod'; this world has load"):
        seams["lod"]


def test_a_seam_has_one_name() -> None:
    """A name that is taken is refused."""
    seams = Seams()
    seams.add("load", "")
    with pytest.raises(ValueError, match="exists already"):
        seams.add("load", "")


def test_all_released_tells_what_is_bent() -> None:
    """The harness asks after every window."""
    seams = Seams()
    seam = seams.add("load", "")
    with seam.bend(lambda passage: True):
        assert (["load"], False) == (seams.bent(), seams.all_released())
    assert seams.all_released()


def test_duplicate_is_one_more_delivery_of_the_same_entities() -> None:
    """Late by its own delay, after the first; what is lost is not sent twice."""
    passage = Passage(3, "message")
    passage.copies[:] = (0, 2, 1)
    passage.is_lost[2] = True
    passage.copy_late_ms = 10
    assert [(0, [True, True, False]), (10, [False, True, False]), (20, [False, True, False])] == [
        (late_ms, mask.tolist()) for late_ms, mask in passage.groups()
    ]


def test_passage_has_no_value_to_bend_unless_the_model_gives_one() -> None:
    """What the venue owns cannot be reached through a seam."""
    passage = Passage(2, "indices")
    assert [None, None, None] == [passage.value, passage.stamp_ms, passage.policy]
