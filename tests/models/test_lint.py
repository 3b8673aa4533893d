"""Static checks: what they find without a simulation."""

from __future__ import annotations

from drydock.harness.mistakes import Mistakes
from drydock.models.kit import VenueKit
from drydock.models.lint import check_runbook
from drydock.models.venue import Incident, Runbook, StepSpec
from tests.nights import MANY_MARKETS, bench

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
