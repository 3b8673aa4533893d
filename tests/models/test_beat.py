"""The beat of a service, its clock and its policies: straight, held up, lost, and made up for."""

from __future__ import annotations

from contextlib import ExitStack
from itertools import count

import numpy as np
import pytest

from drydock.harness.seam import Bender, Passage
from drydock.models.beat import Beat
from drydock.models.boot_steps import BOOT_STEPS
from drydock.models.service import Service
from tests.nights import Stage

PERIOD_MS = 1_000


class Counter(Service):
    """A service that does one thing a second and notes when, by which clock."""

    name = "counter"

    def __init__(self, stage: Stage, phase_ms: int | None = None) -> None:
        super().__init__(stage.world)
        self.fired: list[tuple[int, int]] = []
        self.is_mortal = False
        self.beat = Beat(self, "count", self.lane, self._count, PERIOD_MS, phase_ms)

    def on_ready(self) -> None:
        self.beat.begin(PERIOD_MS)

    def _count(self, at_ms: int) -> None:
        self.fired.append((self.sim.now_ms, at_ms))
        if self.is_mortal:
            self.stop()

    def times(self) -> list[int]:
        return [now_ms for now_ms, _ in self.fired]


def counting(*bends: tuple[str, Bender], until_ms: int = 6_500, phase_ms: int | None = None) -> Counter:
    """A counter that begins at time zero, with these seams bent."""
    stage = Stage(is_started=False)
    counter = Counter(stage, phase_ms)
    counter.begin_ready()
    with ExitStack() as bent:
        for seam, bender in bends:
            bent.enter_context(stage.world.seams[seam].bend(bender))
        stage.at(until_ms)
    return counter


def only(number: int, *, late_ms: int = 0, is_lost: bool = False) -> tuple[str, Bender]:
    """Puts off, or loses, the firing of this number."""
    firings = count(1)

    def bend(passage: Passage) -> bool:
        assert "counter/count" == passage.label
        if next(firings) == number:
            passage.delay_ms[0], passage.is_lost[0] = late_ms, is_lost
        return True

    return "service.act", bend


def test_beat_fires_once_a_period() -> None:
    """By the clock of the world where nobody bends it."""
    assert [(n * 1_000, n * 1_000) for n in range(1, 7)] == counting().fired


@pytest.mark.parametrize(("phase_ms", "expected"), [(None, [1_000, 4_300, 5_300, 6_300]), (0, [1_000, 4_300, 6_000])])
def test_late_firing_stands_for_all_it_missed(phase_ms: int | None, expected: list[int]) -> None:
    """The next comes a whole period after it, or at the first instant of its phase after that."""
    assert expected == counting(only(2, late_ms=2_300), phase_ms=phase_ms).times()


def test_lost_firing_moves_no_other() -> None:
    """The schedule goes on as if it had fired."""
    assert [1_000, 2_000, 4_000, 5_000, 6_000] == counting(only(3, is_lost=True)).times()


def catch_up(most: int) -> tuple[str, Bender]:
    def bend(passage: Passage) -> bool:
        if passage.label == "counter/catch_up":
            passage.policy = most
        return True

    return "policy.read", bend


@pytest.mark.parametrize(("most", "slots"), [(0, []), (1, [3_300]), (9, [2_300, 3_300])])
def test_missed_slots_are_made_up_for_as_the_policy_says(most: int, slots: list[int]) -> None:
    """All at once, oldest first, each with the time of its slot; as documented, none."""
    counter = counting(only(2, late_ms=2_300), catch_up(most))
    assert [*slots, 4_300] == [at_ms for now_ms, at_ms in counter.fired if now_ms == 4_300]
    assert [5_300, 6_300] == counter.times()[-2:]


def test_slots_of_the_time_in_which_it_was_down_are_missed_too() -> None:
    """The scheduler knows when it last fired, over a restart."""
    stage = Stage(is_started=False)
    counter = Counter(stage)
    counter.begin_ready()
    seam, bender = catch_up(2)
    with stage.world.seams[seam].bend(bender):
        stage.at(1_500)
        counter.stop()
        stage.at(6_000)
        counter.begin_ready()
        stage.at(7_500)
    assert [(1_000, 1_000), (7_000, 5_000), (7_000, 6_000), (7_000, 7_000)] == counter.fired


def test_burst_ends_with_the_process() -> None:
    """Who dies of the first missed slot does not do the second."""
    stage = Stage(is_started=False)
    counter = Counter(stage)
    counter.is_mortal = True
    counter.begin_ready()
    seam, bender = catch_up(9)
    with stage.world.seams[seam].bend(bender):
        stage.at(5_000)
        counter.begin_ready()
        stage.at(7_000)
    assert [(1_000, 1_000), (6_000, 2_000)] == counter.fired


def test_beat_of_a_former_epoch_is_over() -> None:
    """A restart leaves one timer, its own; what was put off before it does not come."""
    stage = Stage(is_started=False)
    counter = Counter(stage)
    counter.begin_ready()
    seam, bender = only(1, late_ms=2_300)
    with stage.world.seams[seam].bend(bender):
        stage.at(1_500)
        counter.stop()
        counter.begin_ready()
        stage.at(4_000)
    assert [2_500, 3_500] == counter.times()


def test_clock_that_is_off_shows_and_moves_no_timer() -> None:
    """Firings come when they came; what they are told is what the clock shows."""

    def ahead(passage: Passage) -> bool:
        assert ("counter", 1) == (passage.label, passage.entities)
        passage.stamp_ms = None if passage.stamp_ms is None else passage.stamp_ms + 250
        return True

    assert [(n * 1_000, n * 1_000 + 250) for n in range(1, 7)] == counting(("clock.read", ahead)).fired


def test_message_to_a_process_that_hangs_is_read_later_unless_it_died() -> None:
    """Held messages carry the epoch in which they came."""
    stage = Stage(is_started=False)
    counter = Counter(stage)
    counter.begin_ready()
    heard: list[str] = []

    def hang(passage: Passage) -> bool:
        passage.delay_ms = np.full(1, 700)
        return True

    with stage.world.seams["service.act"].bend(hang):
        assert counter.is_held("hear", heard.append, "one", counter.lane)
        stage.at(701)
        assert counter.is_held("hear", heard.append, "two", counter.lane)
        counter.stop()
        counter.begin_ready()
        stage.at(1_500)
    assert not counter.is_held("hear", heard.append, "three", counter.lane)
    assert ["one"] == heard


def test_policy_is_the_documented_one_where_nobody_bends_it() -> None:
    """And what the bend says where somebody does, by its label."""
    stage = Stage(is_started=False)
    counter = Counter(stage)
    assert "skip" == counter.policy("on_missing", "skip")
    labels: list[str] = []

    def otherwise(passage: Passage) -> bool:
        labels.append(f"{passage.label}={passage.policy}")
        passage.policy = "raise"
        return True

    with stage.world.seams["policy.read"].bend(otherwise):
        assert "raise" == counter.policy("on_missing", "skip")
    assert ["counter/on_missing=skip"] == labels


def test_crashed_process_that_is_stopped_is_not_started_again() -> None:
    """The operators' stop reaches the supervisor too."""
    stage = Stage().at(10_000)
    funding = stage.world.funding
    funding.crash(2_000)
    stage.at(11_000)
    assert (False, "stopped") == (funding.stop(), funding.state)
    stage.at(20_000)
    assert "stopped" == funding.state


def test_boot_steps_are_those_of_the_services() -> None:
    """The list that faults strike by name is the one that the services pass."""
    assert dict(BOOT_STEPS) == {name: each.boot_steps for name, each in Stage(is_started=False).world.services.items()}
