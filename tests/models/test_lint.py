"""Static checks: what they find without a simulation."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from drydock.harness.mistakes import Mistakes
from drydock.harness.port import Scenario
from drydock.harness.scenario import load_scenario
from drydock.models.events import HealthChecked
from drydock.models.kit import SCENARIOS, VenueKit
from drydock.models.lint import check_night, check_runbook
from drydock.models.runbook_spec import Incident, Runbook, StepSpec
from tests.nights import MANY_MARKETS, Stage, bench

ALL = ("market_data", "funding", "liquidator", "portfolio", "vault", "gateway")
STOP, START = StepSpec("stop_services", services=ALL), StepSpec("start_services", services=ALL)


def found(*steps: StepSpec, incident: tuple[StepSpec, ...] | None = None) -> list[tuple[str, str]]:
    mistakes = Mistakes()
    on_incident = None if incident is None else Incident(steps=incident)
    check_runbook(Runbook(steps, on_incident=on_incident), lambda path: ".".join(map(str, path)), mistakes)
    return [(mistake.place, mistake.message) for mistake in mistakes]


def test_right_script_has_no_mistake() -> None:
    """Stop, start, resume; a rollback after a snapshot; an incident that starts what stands."""
    assert [] == found(StepSpec("snapshot"), STOP, START, StepSpec("resume"), incident=(StepSpec("rollback"),))
    assert [] == found(STOP, START, StepSpec("resume"), incident=(STOP, START, StepSpec("resume")))


def test_step_that_lacks_what_it_works_on_is_told() -> None:
    """Each kind of step by the field that it needs."""
    steps = ("set_mode", "stop_services", "start_services", "verify")
    assert [
        ("runbook.steps.0", "set_mode needs mode:"),
        ("runbook.steps.1", "stop_services needs services:"),
        ("runbook.steps.2", "start_services needs services:"),
        ("runbook.steps.3", "verify needs gate:"),
    ] == found(*(StepSpec(step) for step in steps))  # type: ignore[arg-type]


def test_field_of_another_kind_of_step_is_told() -> None:
    """A timeout where a duration was meant would be no length at all, and nobody would hear of it."""
    steps = (StepSpec("wait", timeout_ms=90_000), StepSpec("announce", mode="ok", gate=("ready",), services=("vault",)))
    assert [
        ("runbook.steps.0.timeout_ms", "timeout_ms means nothing to wait; it is of verify"),
        ("runbook.steps.1.mode", "mode means nothing to announce; it is of set_mode"),
        ("runbook.steps.1.services", "services means nothing to announce; it is of start_services and stop_services"),
        ("runbook.steps.1.gate", "gate means nothing to announce; it is of verify"),
    ] == found(*steps)


def test_copy_takes_time() -> None:
    """A scale-up of no length would prove a night that cannot be."""
    assert [("runbook.steps.0", "scale_up needs duration_ms:")] == found(StepSpec("scale_up"))


def test_venue_reopens_by_resume_alone() -> None:
    """OK as a mode like the others would pass by the law that judges the reopening."""
    assert [("runbook.steps.0.mode", "set_mode does not reopen the venue; step: resume does, and is judged")] == found(
        StepSpec("set_mode", mode="ok")
    )


def test_service_that_is_listed_twice_is_told() -> None:
    """Once is meant."""
    twice = StepSpec("stop_services", services=("vault", "vault"))
    assert [("runbook.steps.0.services.1", "service 'vault' is listed twice; once is allowed")] == found(twice)


def test_kind_of_order_that_is_kept_twice_is_told() -> None:
    """And so is a gate that is asked twice."""
    steps = (StepSpec("cancel_orders", keep=("limit", "limit")), StepSpec("verify", gate=("ready", "ready")))
    assert [
        ("runbook.steps.0.keep.1", "kind of order 'limit' is listed twice; once is allowed"),
        ("runbook.steps.1.gate.1", "gate 'ready' is listed twice; once is allowed"),
    ] == found(*steps)


def test_what_is_kept_is_of_the_step_that_cancels() -> None:
    """A rollback keeps the order store as it was; who means to keep some of it cancels the rest."""
    told = "keep means nothing to rollback; it is of cancel_orders"
    assert [("runbook.steps.1.keep", told)] == found(StepSpec("snapshot"), StepSpec("rollback", keep=("stop_loss",)))


def test_orders_are_cancelled_after_a_rollback_and_not_before() -> None:
    """The order store is rolled back too: what was cancelled would be there again."""
    cancel, back = StepSpec("cancel_orders", keep=("stop_loss",)), StepSpec("rollback")
    assert [] == found(StepSpec("snapshot"), incident=(back, cancel))
    told = "cancel-orders: the rollback after it brings the orders back; put it after that"
    assert [("runbook.on_incident.steps.0", told)] == found(StepSpec("snapshot"), incident=(cancel, back))


def test_auction_is_no_mode_that_a_step_sets() -> None:
    """Nothing would end it."""
    told = "set_mode holds no auction: nothing would uncross it; venue.safeguards.auction does, at resume"
    assert [("runbook.steps.0.mode", told)] == found(StepSpec("set_mode", mode="auction"))


def test_abort_needs_somewhere_to_go() -> None:
    """A gate that aborts to a branch that is not there would go on as if nothing were."""
    gate = StepSpec("verify", gate=("ready",), on_fail="incident")
    assert ["runbook.steps.0.on_fail"] == [place for place, _ in found(gate)]
    assert [] == found(gate, incident=(StepSpec("wait"),))


def test_rollback_of_an_incident_needs_the_snapshot_of_the_main_branch() -> None:
    """Where none was taken the operators have nothing to go back to."""
    assert ["runbook.on_incident.steps.0"] == [p for p, _ in found(StepSpec("wait"), incident=(StepSpec("rollback"),))]
    assert [] == found(StepSpec("wait"), incident=(StepSpec("snapshot"), StepSpec("rollback")))


def night_of(runbook: Runbook) -> list[str]:
    mistakes = Mistakes()
    check_night(runbook, lambda path: ".".join(map(str, path)), mistakes)
    return [str(mistake) for mistake in mistakes]


def test_night_has_steps_a_reopening_and_time_for_both() -> None:
    """What is missing is told; a night as long as its script passes."""
    resume = StepSpec("resume", duration_ms=1_000)
    hour = Runbook((resume,), before_ms=0, window_ms=3_600_000, night_ms=3_600_000)
    assert [] == night_of(hour)
    assert ["runbook.steps: runbook.steps: the list is empty; a scenario needs a script"] == night_of(Runbook(()))
    assert ["runbook.steps: runbook.steps: nothing reopens the venue; add a step: resume"] == night_of(
        Runbook((StepSpec("wait"),))
    )
    short = (
        "runbook.night_ms: runbook.night_ms: the night ends after 3599 s; before_ms and the window or the steps take"
    )
    assert [f"{short} 3600 s"] == night_of(replace(hour, night_ms=3_599_999))
    long_step = StepSpec("resume", duration_ms=7_200_000)
    assert [f"{short} 7200 s"] == night_of(replace(hour, steps=(long_step,), night_ms=3_599_999))


def test_incident_without_steps_is_told() -> None:
    """An alarm that nobody answers is no script."""
    runbook = Runbook((StepSpec("resume"),), on_incident=Incident())
    told = "runbook.on_incident: runbook.on_incident: it has no steps; say what the operators do, or leave it out"
    assert [told] == night_of(runbook)


def test_each_branch_is_checked_by_itself() -> None:
    """A name may be used once in the main branch and once in the incident's."""
    assert [] == found(StepSpec("wait"), incident=(StepSpec("wait"),))
    twice = (StepSpec("wait"), StepSpec("wait"))
    assert ["runbook.steps.1", "runbook.on_incident.steps.1"] == [place for place, _ in found(*twice, incident=twice)]


def test_half_of_the_services_is_not_all_of_them() -> None:
    """The message names those that are still waiting, in the order of the venue."""
    half = StepSpec("start_services", services=("gateway", "market_data", "portfolio"))
    assert [(
        "runbook.steps.2",
        "resume resumes trading before funding, liquidator, vault is started; put a start_services step before it",
    )] == found(STOP, half, StepSpec("resume"))  # fmt: skip


def test_incident_starts_what_it_stopped() -> None:
    """It may find services stopped and start them; those that it stopped itself are started before its resume."""
    resume = StepSpec("resume")
    assert [] == found(StepSpec("wait"), incident=(START, resume))
    assert ["runbook.on_incident.steps.1"] == [place for place, _ in found(StepSpec("wait"), incident=(STOP, resume))]


def test_misspelt_service_is_one_mistake() -> None:
    """What follows from it (a service that never starts) is not told as well."""
    assert ["runbook.steps.1.services.0"] == [
        place for place, _ in found(STOP, StepSpec("start_services", services=("fundign",)), StepSpec("resume"))
    ]


def test_band_over_margin_is_told_market_by_market() -> None:
    """C1: every market whose band is more than nine times its maintenance margin, and no other."""
    rule = next(rule for rule in VenueKit().rules() if rule.id == "C1")
    markets = bench(MANY_MARKETS).venue.markets
    wide = [
        name
        for number, name in enumerate(markets.names)
        if int(markets.band_ppm[number]) > 9 * int(markets.mmf_ppm[number])
    ]
    told = rule.check(bench(MANY_MARKETS))
    assert wide == [line.split()[0] for line in told]


@pytest.mark.parametrize(
    ("sets", "told"),
    [
        ((), []),
        (("venue.artefact={}",), []),
        (("venue.artefact={funding_max: 5}",), ["funding holds 5 entries of market parameters, and there are 3"]),
        (("venue.artefact={funding_max: 6}",), []),
    ],
)
def test_artefact_that_may_double_has_headroom(sets: tuple[str, ...], told: list[str]) -> None:
    """C2: twice the number of markets fits; a venue without the artefact has nothing to fit."""
    assert told == complaints("C2", *sets)


# ---- risks of a configuration -------------------------------------------------------------------------------------
BOOK = "venue.order_book={}"
SWITCHED, DECLARED = "venue.safeguards.post_only_band_ppm", "venue.declared.post_only_band_ppm"


def complaints(rule: str, *sets: str) -> list[str]:
    """What one rule says of the bench venue with these settings."""
    return list(next(found for found in VenueKit().rules() if found.id == rule).check(bench(*sets)))


@pytest.mark.parametrize(
    ("sets", "told"),
    [
        ((BOOK,), []),
        ((BOOK, f"{SWITCHED}=5bps", f"{DECLARED}=5bps"), []),
        ((BOOK, f"{DECLARED}=5bps"), ["a post-only band of 0.05% is declared, and none is enforced"]),
        ((BOOK, f"{SWITCHED}=5bps"), ["no post-only band is declared, and one of 0.05% is enforced"]),
        (
            (BOOK, f"{SWITCHED}=1%", f"{DECLARED}=5bps"),
            ["a post-only band of 0.05% is declared, and one of 1% is enforced"],
        ),
        ((f"{DECLARED}=5bps",), []),
        (
            ("venue.declared.grace_ms=5m",),
            ["a grace of 5m after OK is declared, and services act at once"],
        ),
        (
            ("venue.safeguards.grace_ms=1m",),
            ["a grace of 0ms after OK is declared, and services act after 1m"],
        ),
        (("venue.declared.grace_ms=5m", "venue.safeguards.grace_ms=5m"), []),
    ],
)
def test_band_and_grace_that_are_declared_are_those_that_are_switched_on(
    sets: tuple[str, ...], told: list[str]
) -> None:
    """C3: one line where they differ, in whichever direction; a band means nothing without a book."""
    assert told == complaints("C3", *sets)


def test_what_needs_an_order_book_is_told_where_there_is_none() -> None:
    """C5: switches and steps that would do nothing, and nobody would hear of it."""
    sets = ("venue.safeguards.auction={}", f"{SWITCHED}=5bps", "runbook.steps.8={step: cancel_orders}")
    lacking = [line.partition(" does nothing")[0] for line in complaints("C5", *sets)]
    assert ["venue.safeguards.post_only_band_ppm", "venue.safeguards.auction", "step cancel-orders"] == lacking
    assert [] == complaints("C5", BOOK, *sets)
    assert [] == complaints("C5")


POSITIONS = """account,market,size,collateral_usd,entry_price_usd
rich,BTC-USD-PERP,1,50000,92600
poor,BTC-USD-PERP,1,100,
poor too,ETH-USD-PERP,-10,20,
"""
TAPE = "time_s,market,price_usd\n0,BTC-USD-PERP,40000\n"
"""BTC has more than halved before the night begins."""


def own(folder: Path, regimes: str) -> Scenario:
    """The bench venue with people of a file."""
    text = (SCENARIOS / "bench.yaml").read_text(encoding="utf-8").partition("regimes:")[0]
    drawn = ("accounts: 20", "open_interest_usd: 20000000 USD")
    lines = [line for line in text.splitlines() if line.strip() not in drawn]
    night = "\n".join(lines).replace("population:", "population:\n  file: positions.csv")
    (folder / "positions.csv").write_text(POSITIONS, encoding="utf-8")
    (folder / "tape.csv").write_text(TAPE, encoding="utf-8")
    (folder / "night.yaml").write_text(f"{night}\ntapes: {{fallen: tape.csv}}\nregimes: {regimes}\n", encoding="utf-8")
    return load_scenario(str(folder / "night.yaml"))


def test_customers_who_begin_below_their_margin_are_counted(tmp_path: Path) -> None:
    """C4: at the prices with which each regime begins; nobody is named."""
    rule = next(rule for rule in VenueKit().rules() if rule.id == "C4")
    told = rule.check(own(tmp_path, "[flat, fallen]"))
    assert ["2 of 3 accounts begin below", "3 of 3 accounts begin below"] == [line[:27] for line in told]
    assert [True, False] == ["(regime flat)" in line for line in told]
    assert [] == [line for line in told if "poor" in line or "rich" in line]


def test_drawn_people_begin_above_their_margin() -> None:
    """C4 has nothing to say of them, and the first health check finds none."""
    assert [] == complaints("C4")
    assert {0} == {e.under for e in Stage().at(3_000).of(HealthChecked)}
