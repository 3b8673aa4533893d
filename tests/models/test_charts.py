"""What is drawn of a night, and the story that leans on it: steps, states, curves against the truth, what was read."""

from __future__ import annotations

from functools import lru_cache

import pytest

from drydock.faults.slow_load import SlowLoad
from drydock.harness.charts import Chart, Row
from drydock.harness.port import Case
from drydock.harness.run import run_case
from drydock.harness.story import story_of
from drydock.harness.told import Told, tell
from drydock.models.kit import VenueKit
from tests.golden import AS_HAPPENED
from tests.lab.bugs import BUGS
from tests.lab.planted import kit_of, witness
from tests.nights import bench, case_of

ZERO_INDEX = (SlowLoad(step="start-services", mean_ms=9_000),)


@lru_cache(maxsize=1)
def night() -> Case:
    """The bench venue as happened, its funding rows late: an index of zero is published, and people are liquidated."""
    return case_of(bench(*AS_HAPPENED), ZERO_INDEX)


@lru_cache(maxsize=1)
def told() -> Told:
    """The same, played once for all of these tests."""
    return tell(night(), VenueKit())


def row(name: str) -> Row:
    """One row of the picture."""
    return next(one for one in told().charts.rows if one.name == name)


def chart(title: str) -> Chart:
    """One chart, by the beginning of its title."""
    return next(one for one in told().charts.charts if one.title.startswith(title))


def test_a_night_that_is_told_is_the_night() -> None:
    """Drawing reads and changes nothing."""
    bare = run_case(night(), VenueKit())
    assert (bare.digest, bare.findings, bare.entries) == (
        told().result.digest,
        told().result.findings,
        told().result.entries,
    )


def test_the_zero_index_is_told_from_the_start_to_the_liquidation() -> None:
    """Services start, the engine is ready, a fault delays its rows, it ticks before they are there; a liquidation."""
    finding = next(one for one in told().result.findings if one.law == "L1")
    story = story_of(night(), VenueKit(), finding, told=told())
    assert story is not None
    texts = [sentence.text for sentence in story.sentences]
    wanted = (
        "step start-services begins", "funding is ready", "fault slow_load is at work on funding",
        "the funding engine (epoch 2) publishes 3 indices; 2 of them at zero", "the liquidator finds", "is liquidated",
    )  # fmt: skip
    places = [next(number for number, text in enumerate(texts) if part in text) for part in wanted]
    assert sorted(places) == places
    assert len(texts) <= 15
    published = story.sentences[places[3]]
    assert "models/funding_engine.py" == published.source.partition(":")[0]
    assert {"F1", "F3", "F5", "M1"} == {one.law for one in published.breaks}
    assert finding in story.sentences[-1].breaks


def test_a_liquidation_has_read_the_newest_index_and_the_first_tick_the_rows_that_were_there() -> None:
    """That is how the story gets from the one to the other; a price that was right explains nothing."""
    reads, events = told().charts.reads, {event.identity: event for event in told().events}
    liquidation = next(event for event in told().events if event.kind == "liquidation")
    (index,) = reads[liquidation.identity]
    while events[reads[index][0]].kind == "index.published":
        (index,) = reads[index]
    assert ["load.completed"] == [events[one].kind for one in reads[index]]


@pytest.mark.parametrize(
    ("mistake", "sentence", "fault"),
    [
        ("one-source-any-unit", "market data publishes prices", "fault oracle_outlier is at work on spot-1"),
        ("prices-of-two-minutes", "the price is 31800 ms old", "fault crash is at work on market_data"),
    ],
)
def test_a_price_is_told_with_the_fault_of_its_source_or_of_its_service(
    mistake: str, sentence: str, fault: str
) -> None:
    """Sources tell no events: what market data made of their messages leads to the fault that bent them."""
    bug = next(one for one in BUGS if one.name == mistake)
    story = story_of(witness(bug, *bug.sets), kit_of(bug, bug.law))
    assert story is not None
    assert any(sentence in one.text for one in story.sentences if one.breaks)
    (told_fault,) = (one.text for one in story.sentences if one.kind == "fault")
    assert told_fault.startswith(fault)
    assert "no recorded cause" not in told_fault


def test_a_fill_at_an_old_price_has_read_the_last_prices_that_were_published() -> None:
    """Back from there the story finds why nothing newer came."""
    bug = next(one for one in BUGS if one.name == "prices-of-two-minutes")
    night = tell(witness(bug, *bug.sets), kit_of(bug, bug.law))
    events = {event.identity: event for event in night.events}
    fill = events[night.result.findings[0].events[0]]
    (prices,) = night.charts.reads[fill.identity]
    assert ("fill", "prices.published") == (fill.kind, events[prices].kind)
    assert (
        prices
        == [one.identity for one in night.events if one.kind == "prices.published" and one.at_ms < fill.at_ms][-1]
    )


def test_the_steps_are_those_of_the_runbook_as_they_came() -> None:
    """In their order, each with the event that began it."""
    steps = told().charts.steps
    assert ["maintenance", "drain", "snapshot"] == [step.label for step in steps[:3]]
    assert (120_000, 120_020) == (steps[0].since_ms, steps[0].until_ms)
    assert all(step.since is not None and step.since_ms <= step.until_ms for step in steps)


@pytest.mark.parametrize(
    ("name", "labels"),
    [
        ("mode", ["ok", "maintenance", "cancel_only", "post_only", "ok"]),
        ("funding", ["ready", "stopped", "booting", "up", "ready"]),
        ("database", ["serving", "copying", "serving"]),
        ("chain", ["sealing blocks", "no block", "sealing blocks"]),
    ],
)
def test_a_row_has_the_states_of_its_component(name: str, labels: list[str]) -> None:
    """One after another without a gap, to the end of the run."""
    spans = row(name).spans
    assert labels == [span.label for span in spans]
    assert [span.until_ms for span in spans[:-1]] == [span.since_ms for span in spans[1:]]
    assert told().result.ended_ms == spans[-1].until_ms


def test_the_worst_index_is_charted_against_the_truth() -> None:
    """PAXG and BTC went to zero; the truth did not."""
    index = chart("Funding index of PAXG-USD-PERP")
    published, truth = index.curves
    assert truth.is_truth
    assert not published.is_truth
    assert 0 == min(abs(value) for at_ms, value in published.points if at_ms > 250_000)
    assert 1_000_000 < min(value for _, value in truth.points)
    assert {"Funding index of PAXG-USD-PERP", "Funding index of BTC-USD-PERP"} == {
        one.title for one in told().charts.charts if one.title.startswith("Funding")
    }


def test_equity_and_liquidations_are_charted_in_usd() -> None:
    """What was taken over only grows; equity by the chain leaves the truth when the index does."""
    taken = [value for _, value in chart("Liquidated").curves[0].points]
    assert sorted(taken) == taken
    assert taken[-1] > 0
    by_chain, at_truth = chart("Equity").curves
    gaps = [abs(own - true) for (_, own), (_, true) in zip(by_chain.points, at_truth.points, strict=True)]
    assert max(gaps[:20]) < max(gaps) // 10
