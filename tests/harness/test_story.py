"""The story of a finding: its causes back to the root, the faults at work, what it broke, and how to see it again."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from drydock.harness.event import Event
from drydock.harness.port import Case
from drydock.harness.report.story import clock, story_lines
from drydock.harness.run import run_case
from drydock.harness.signature import signature_of
from drydock.harness.sim import Ties
from drydock.harness.story import TOLD_MAX, Sentence, Story, story_of, without_repeats
from drydock.harness.told import Told, tell


@pytest.fixture
def broken(toy: ModuleType) -> Case:
    """A restart that does not wait for slow loads: T1 and T3 are broken."""
    built = toy.scenario(waits=False)
    return Case(built, "flat", built.reported, 1)


def texts(story: Story | None) -> list[str]:
    """What it says."""
    assert story is not None
    return [sentence.text for sentence in story.sentences]


# ---- a told run -----------------------------------------------------------------------------------------------------
def test_a_told_run_is_the_run(toy: ModuleType, broken: Case) -> None:
    """Notes change neither digest nor findings nor evidence, with seeded ties and with laggards."""
    late = replace(broken, ties=Ties("fifo", (("counter/loader", "loaded", 1),)))
    for case in (broken, late):
        told, bare = tell(case, toy.ToyKit()).result, run_case(case, toy.ToyKit())
        assert (bare.digest, bare.findings, bare.evidence) == (told.digest, told.findings, told.evidence)


def test_each_event_has_the_line_that_emitted_it(toy: ModuleType, broken: Case) -> None:
    """A file and a line of it, and nothing of the machine that the file lies on."""
    told = tell(broken, toy.ToyKit())
    assert {event.identity for event in told.events} == set(told.sources)
    line = next(source for identity, source in told.sources.items() if identity[1] == "counter.stored")
    name, _, number = line.partition(":")
    assert "toy.py" == name
    assert "emit(Stored" in Path(str(toy.__file__)).read_text(encoding="utf-8").splitlines()[int(number) - 1]


def test_a_fault_is_noted_where_an_operation_met_it(toy: ModuleType, broken: Case) -> None:
    """By the lane of the operation, and not at all where nothing passed."""
    (touch,) = tell(broken, toy.ToyKit()).touches
    assert ("fault/0:SlowCount", "counter/loader", 1) == (touch.fault, touch.lane, touch.count)
    assert () == tell(replace(broken, plan=()), toy.ToyKit()).touches


def test_a_run_that_fails_is_told_as_one(toy: ModuleType) -> None:
    """Its error is its result; there is nothing to draw."""
    built = toy.scenario(trouble="law raises")
    told = tell(Case(built, "flat", (), 1), toy.ToyKit())
    assert "the law lost its way" in told.result.error
    assert () == told.charts.rows


# ---- the story ------------------------------------------------------------------------------------------------------
def test_a_story_goes_from_the_root_to_the_finding(toy: ModuleType, broken: Case) -> None:
    """The restart, the fault that was at work, the counter that went back; in the order of time."""
    story = story_of(broken, toy.ToyKit())
    assert story is not None
    assert [
        "it restarts",
        "fault SlowCount is at work on both, at load; one operation meets it",
        "counter 0 is 1",
    ] == texts(story)
    assert "restart" == story.sentences[-1].step
    assert ("T1", "counter 0 went from 100 to 1") == (story.finding.law, story.sentences[-1].breaks[0].detail)
    assert {"lost": 198_000_000} == story.harm
    assert sorted(sentence.at_ms for sentence in story.sentences) == [sentence.at_ms for sentence in story.sentences]


def test_a_story_is_found_by_signature(toy: ModuleType, broken: Case) -> None:
    """That of the asked failure, not of the first; none where nothing has that signature."""
    found = run_case(broken, toy.ToyKit()).findings
    wanted = signature_of(found[-1])
    story = story_of(broken, toy.ToyKit(), wanted)
    assert story is not None
    assert wanted == signature_of(story.finding)
    assert story_of(broken, toy.ToyKit(), ("T9", "", "")) is None


def test_a_clean_run_has_no_story(toy: ModuleType) -> None:
    """There is nothing to tell."""
    built = toy.scenario()
    assert story_of(Case(built, "flat", (), 1), toy.ToyKit()) is None


def test_a_fault_beside_the_chain_is_told_as_that(toy: ModuleType, broken: Case) -> None:
    """What it met came of nothing that the finding came of."""
    told = tell(broken, toy.ToyKit())
    beside = replace(told, touches=(replace(told.touches[0], lane="other", cause=None),))
    told = " ".join(texts(story_of(broken, toy.ToyKit(), told=beside)))
    assert "one operation meets it; no recorded cause leads from it to what is told here" in told


def test_a_long_chain_is_folded_and_says_so(toy: ModuleType, broken: Case) -> None:
    """Of forty ticks the first and the last are told, with what broke; the others are counted."""
    long = replace(broken, scenario=toy.scenario(waits=False, ticks=9))
    told = tell(long, toy.ToyKit())
    last = next(event for event in reversed(told.events) if event.kind == "counter.stored" and event.data.counter == 0)
    finding = replace(told.result.findings[0], law="T3", events=(last.identity,))
    story = story_of(long, toy.ToyKit(), finding, told=told)
    assert story is not None
    assert len(story.sentences) <= TOLD_MAX + 1
    assert 7 <= sum(sentence.more for sentence in story.sentences)
    assert any("events in between" in line for line in story_lines(story))


def test_whatever_else_a_finding_names_is_told_with_what_it_came_of(toy: ModuleType, broken: Case) -> None:
    """A block shows that a fill came late: the fill is of the story, though the block did not come of it."""
    told = tell(broken, toy.ToyKit())
    finding = told.result.findings[0]
    chain = story_of(broken, toy.ToyKit(), finding, told=told).chain  # type: ignore[union-attr]
    other = next(event for event in told.events if event.kind == "counter.stored" and event.identity not in chain)
    story = story_of(broken, toy.ToyKit(), replace(finding, events=(*finding.events, other.identity)), told=told)
    assert story is not None
    assert other.identity in {sentence.identity for sentence in story.sentences}
    assert other.cause in {None, *story.chain}


def test_the_same_with_other_numbers_is_told_first_and_last() -> None:
    """Whatever lies between: blocks that are filled and sealed in turn, and one sentence that says something else."""
    turns = [("take", f"block {n} takes {n + 2} indices") for n in range(4)]
    turns[1:1] = [("seal", "block 0 is sealed")]
    turns[3:3] = [("seal", "block 1 is sealed by hand")]
    turns.append(("seal", "block 3 is sealed"))
    events = [Event(n, "chain", kind, n, None, None) for n, (kind, _) in enumerate(turns)]
    words = {event.identity: text for event, (_, text) in zip(events, turns, strict=True)}
    assert [
        "block 0 takes 2 indices", "block 0 is sealed", "block 1 is sealed by hand", "block 3 takes 5 indices",
        "block 3 is sealed",
    ] == [words[event.identity] for event in without_repeats(events, words, ())]  # fmt: skip


def test_a_law_without_an_event_has_faults_and_no_chain(toy: ModuleType, broken: Case) -> None:
    """The story says that it has nothing to follow."""
    told = tell(broken, toy.ToyKit())
    story = story_of(broken, toy.ToyKit(), replace(told.result.findings[0], events=()), told=told)
    assert story is not None
    assert () == story.chain
    assert "The law names no event of its own: it judges the run as a whole." in [
        line.strip() for line in story_lines(story)
    ]


# ---- races ----------------------------------------------------------------------------------------------------------
RACING = {"waits": False, "load_ms": 100}
"""The loads arrive in the very instant of the first tick: who is first decides."""


def racing(toy: ModuleType, *laggards: tuple[str, str, int]) -> tuple[Case, Told]:
    """The race under FIFO, with these laggards."""
    case = Case(toy.scenario(**RACING), "flat", (), 1, Ties("fifo", laggards))
    return case, tell(case, toy.ToyKit())


def test_a_race_is_told_as_two_events_of_one_instant(toy: ModuleType) -> None:
    """First-in first-out hides it; with one laggard it is there, and told by both names."""
    _, quiet = racing(toy)
    assert () == quiet.result.findings
    case, told = racing(toy, ("counter/loader", "loaded", 1))
    story = story_of(case, toy.ToyKit(), told=told)
    race = next(sentence for sentence in story.sentences if sentence.kind == "race") if story else None
    assert race is not None
    assert race.text.startswith(
        "two events of one instant: counter/ticker 'tick' #1 is served before counter/loader 'loaded' #1"
    )
    assert 1_100 == race.at_ms


# ---- as text --------------------------------------------------------------------------------------------------------
def test_the_text_ends_with_the_command_that_replays_it(toy: ModuleType, broken: Case) -> None:
    """Title, sentences with time and step and source, what broke, what it came to, the command."""
    story = story_of(broken, toy.ToyKit(), replay="drydock replay case.json")
    assert story is not None
    lines = list(story_lines(story))
    assert "How T1 came to be broken: a stored counter never goes back" == lines[0]
    assert lines[1].startswith("  T+00:00.000  it restarts  [restart, toy.py:")
    assert "      breaks T1: counter 0 went from 100 to 1" in lines
    assert "  It came to 198.00 USD of harm to 2 accounts: lost 198.00" == lines[-2]
    assert "  again: drydock replay case.json" == lines[-1]


@pytest.mark.parametrize(
    ("at_ms", "told"),
    [(0, "T+00:00.000"), (-130_000, "T-02:10.000"), (1_835_520, "T+30:35.520"), (4_510_001, "T+1:15:10.001")],
)
def test_times_count_from_the_start_of_the_window(at_ms: int, told: str) -> None:
    """Minutes and seconds; hours where there are some."""
    assert told == clock(at_ms)


def test_a_sentence_is_plain_data(broken: Case) -> None:
    """Equal by value, without a venue in it."""
    kept: Any = Sentence(5, "it happens")
    assert Sentence(5, "it happens") == kept
