"""Static checks: mistakes of a runbook that need no simulation, and risks of a configuration."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from drydock.harness.mistakes import Mistakes, did_you_mean
from drydock.harness.port import Rule, Scenario, Where
from drydock.harness.units import format_ms, format_ppm
from drydock.models import regimes
from drydock.models.artefact import READERS
from drydock.models.model import VenueModel, model_of
from drydock.models.population import draw_start
from drydock.models.runbook_spec import SERVICES, Runbook, StepSpec
from drydock.models.truth import Outside

NEEDS = {
    "set_mode": "mode",
    "start_services": "services",
    "stop_services": "services",
    "verify": "gate",
    "scale_up": "duration_ms",
}
OF_OTHERS = {
    "mode": ("set_mode",),
    "services": ("start_services", "stop_services"),
    "keep": ("cancel_orders",),
    "gate": ("verify",),
    "timeout_ms": ("verify",),
    "on_fail": ("verify",),
}
"""Fields that mean something to some kinds of step only."""
BAND_OVER_MARGIN_MAX = 9
BOOK_SAFEGUARDS = ("post_only_band_ppm", "external_mark", "auction")
"""Safeguards that mean nothing without an order book."""


def check_night(runbook: Runbook, where: Where, mistakes: Mistakes) -> None:
    """What the night as a whole must have: steps, a reopening, and time enough for both."""
    steps = runbook.steps
    if not steps:
        mistakes.add(where(("runbook", "steps")), "runbook.steps: the list is empty; a scenario needs a script")
    elif not any(spec.step == "resume" for spec in steps):
        mistakes.add(where(("runbook", "steps")), "runbook.steps: nothing reopens the venue; add a step: resume")
    planned_ms = max(runbook.window_ms, sum(spec.duration_ms for spec in steps))
    if runbook.before_ms + planned_ms > runbook.night_ms:
        mistakes.add(
            where(("runbook", "night_ms")),
            f"runbook.night_ms: the night ends after {runbook.night_ms // 1000} s; before_ms and the window or the "
            f"steps take {(runbook.before_ms + planned_ms) // 1000} s",
        )
    if runbook.on_incident is not None and not runbook.on_incident.steps:
        place = where(("runbook", "on_incident"))
        mistakes.add(place, "runbook.on_incident: it has no steps; say what the operators do, or leave it out")


def check_runbook(runbook: Runbook, where: Where, mistakes: Mistakes) -> None:
    """What the steps of a runbook must not be: mistakes with their place, all of them."""
    incident = runbook.on_incident
    _check_branch(runbook.steps, ("runbook", "steps"), where, mistakes)
    if incident is None:
        for number, spec in enumerate(runbook.steps):
            if spec.on_fail == "incident":
                place = where(("runbook", "steps", number, "on_fail"))
                mistakes.add(place, f"{spec.label} aborts to the incident's branch, and there is no on_incident")
    else:
        path = ("runbook", "on_incident", "steps")
        has_snapshot = any(spec.step == "snapshot" for spec in runbook.steps)
        _check_branch(incident.steps, path, where, mistakes, is_incident=True, has_snapshot=has_snapshot)
        for what in ("detect", "decide"):
            if getattr(incident, f"{what}_ms_min") > getattr(incident, f"{what}_ms_max"):
                place = where(("runbook", "on_incident", f"{what}_ms_min"))
                mistakes.add(place, f"runbook.on_incident: {what}_ms_min is more than {what}_ms_max")


def _check_branch(
    steps: tuple[StepSpec, ...], path: tuple[str | int, ...], where: Where, mistakes: Mistakes,
    *, is_incident: bool = False, has_snapshot: bool = False,
) -> None:  # fmt: skip
    labels: set[str] = set()
    for number, spec in enumerate(steps):
        here = (*path, number)
        _check_fields(spec, here, where, mistakes)
        if spec.label in labels:
            mistakes.add(where(here), f"a second step is named '{spec.label}'; give each step its own name")
        labels.add(spec.label)
        has_snapshot |= spec.step == "snapshot"
        if spec.step == "rollback" and not has_snapshot:
            mistakes.add(where(here), "rollback: no snapshot is taken before it; add a step: snapshot")
        if spec.step == "cancel_orders" and any(later.step == "rollback" for later in steps[number:]):
            mistakes.add(where(here), f"{spec.label}: the rollback after it brings the orders back; put it after that")
    _check_order(steps, path, where, mistakes, is_incident=is_incident)


def _check_fields(spec: StepSpec, here: tuple[str | int, ...], where: Where, mistakes: Mistakes) -> None:
    needed = NEEDS.get(spec.step)
    if needed is not None and not getattr(spec, needed):
        mistakes.add(where(here), f"{spec.step} needs {needed}:")
    for field, kinds in OF_OTHERS.items():
        if spec.step not in kinds and getattr(spec, field) != StepSpec.__dataclass_fields__[field].default:
            mistakes.add(where((*here, field)), f"{field} means nothing to {spec.step}; it is of {' and '.join(kinds)}")
    if spec.mode == "ok" and spec.step == "set_mode":
        mistakes.add(where((*here, "mode")), "set_mode does not reopen the venue; step: resume does, and is judged")
    if spec.mode == "auction" and spec.step == "set_mode":
        told = "set_mode holds no auction: nothing would uncross it; venue.safeguards.auction does, at resume"
        mistakes.add(where((*here, "mode")), told)
    for number, name in enumerate(spec.services):
        if name not in SERVICES:
            place = where((*here, "services", number))
            mistakes.add(place, f"unknown service '{name}'; {did_you_mean(name, SERVICES)}")
    for field, what in (("services", "service"), ("keep", "kind of order"), ("gate", "gate")):
        _check_twice(getattr(spec, field), what, (*here, field), where, mistakes)


def _check_twice(
    names: tuple[str, ...], what: str, path: tuple[str | int, ...], where: Where, mistakes: Mistakes
) -> None:
    for number, name in enumerate(names):
        if name in names[:number]:
            mistakes.add(where((*path, number)), f"{what} '{name}' is listed twice; once is allowed")


def _check_order(
    steps: tuple[StepSpec, ...], path: tuple[str | int, ...], where: Where, mistakes: Mistakes, *, is_incident: bool
) -> None:
    """Services that were stopped must be started before the venue resumes, and only stopped ones are started."""
    if any(name not in SERVICES for spec in steps for name in spec.services):
        return  # a misspelt service was told of; what follows from it is not worth another line
    stopped: set[str] = set()  # an incident may find anything stopped; what it stops itself it has to start
    for number, spec in enumerate(steps):
        here = (*path, number)
        if spec.step == "stop_services":
            stopped |= set(spec.services)
        elif spec.step == "start_services":
            running = [name for name in spec.services if name not in stopped]
            if running and not is_incident:
                mistakes.add(where(here), f"{spec.label} starts {', '.join(running)}, which no step stopped before")
            stopped -= set(spec.services)
        elif spec.step == "resume" and stopped:
            waiting = [name for name in SERVICES if name in stopped]
            mistakes.add(
                where(here),
                f"{spec.label} resumes trading before {', '.join(waiting)} is started; "
                f"put a start_services step before it",
            )


def rules() -> Sequence[Rule]:
    """Risks that are worth a line before anything runs; none of them decides."""
    return (
        Rule("C1", "a price band is at most nine times the maintenance margin", _band_over_margin),
        Rule("C2", "the market parameters fit twice into every service that reads them", _artefact_without_headroom),
        Rule("C3", "what the venue declares of its reopening is what it enforces", _declared_and_enforced),
        Rule("C4", "customers begin the night above their maintenance margin", _under_margin_at_start),
        Rule("C5", "what needs an order book has one", _needs_a_book),
    )


def _band_over_margin(scenario: Scenario) -> Sequence[str]:
    """C1: band / MMF; the one line of lint that predicts where the second Paradex wave hit."""
    markets = model_of(scenario).markets
    found = []
    for number, name in enumerate(markets.names):
        band, margin = int(markets.band_ppm[number]), int(markets.mmf_ppm[number])
        if band > BAND_OVER_MARGIN_MAX * margin:
            found.append(f"{name} has a price band of {band // margin} times its maintenance margin")
    return found


def _artefact_without_headroom(scenario: Scenario) -> Sequence[str]:
    """C2: a file that doubles, as Cloudflare's did, still fits."""
    model = model_of(scenario)
    spec, entries = model.venue.artefact, len(model.markets)
    if spec is None:
        return ()
    return [
        f"{service} holds {spec.entries_max(service)} entries of market parameters, and there are {entries}"
        for service in READERS
        if spec.entries_max(service) < 2 * entries
    ]


def _declared_and_enforced(scenario: Scenario) -> Sequence[str]:
    """C3: the laws judge by what is declared; what is enforced beside it is a surprise to one side or the other."""
    venue = model_of(scenario).venue
    band, kept = venue.declared.post_only_band_ppm, venue.safeguards.post_only_band_ppm
    found = []
    if venue.order_book is not None and band != kept:
        declares = (
            "no post-only band is declared" if band is None else f"a post-only band of {format_ppm(band)} is declared"
        )
        enforces = "none is enforced" if kept is None else f"one of {format_ppm(kept)} is enforced"
        found.append(f"{declares}, and {enforces}")
    grace_ms, waits_ms = venue.declared.grace_ms, venue.safeguards.grace_ms or 0
    if grace_ms != waits_ms:
        waits = f"after {format_ms(waits_ms)}" if waits_ms else "at once"
        found.append(f"a grace of {format_ms(grace_ms)} after OK is declared, and services act {waits}")
    return found


def _under_margin_at_start(scenario: Scenario) -> Sequence[str]:
    """C4: of a file of positions: whom the first health check will liquidate, whatever the maintenance does."""
    model = model_of(scenario)
    if model.positions is None:
        return ()
    found = []
    for name in scenario.regimes:
        under = _count_under_margin(model, name)
        if under:
            found.append(
                f"{under} of {len(model.positions.ids)} accounts begin below their maintenance margin (regime {name}): "
                f"the first health check liquidates them, whatever the maintenance does"
            )
    return found


def _count_under_margin(model: VenueModel, name: str) -> int:
    """People of the file under margin at the prices with which a night of this regime begins."""
    venue, markets, regime = model.venue, model.markets, model.regime(name)
    oracle = venue.oracle
    spot = regimes.paths(regime, 0, markets, oracle.tick_ms, 1)
    rates = regimes.external_rates_ppm(regime, 0, markets, oracle.external_venues, oracle.external_tick_ms, 1)
    mark = Outside(spot, rates, oracle.tick_ms, oracle.external_tick_ms).mark(0)
    start = draw_start(model.population, markets, mark, 0, model.positions)
    value = start.holdings.value(mark, start.index, markets.mmf_ppm, venue.liquidation.taker_fee_ppm)
    return int(np.count_nonzero(value.under_margin() >= model.population.first_person))


def _needs_a_book(scenario: Scenario) -> Sequence[str]:
    """C5: switches and steps that do nothing in a venue without an order book."""
    model = model_of(scenario)
    if model.venue.order_book is not None:
        return ()
    incident = () if model.runbook.on_incident is None else model.runbook.on_incident.steps
    idle = [f"venue.safeguards.{name}" for name in BOOK_SAFEGUARDS if getattr(model.venue.safeguards, name) is not None]
    idle += [f"step {spec.label}" for spec in (*model.runbook.steps, *incident) if spec.step == "cancel_orders"]
    return [f"{what} does nothing: the venue has no order book (venue.order_book)" for what in idle]
