"""The kit's own part of a scenario, typed, and what faults and laws ask of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

from drydock.harness.port import Scenario
from drydock.models.markets import Markets
from drydock.models.venue import SERVICES, Population, Runbook, Venue


@dataclass(frozen=True, slots=True)
class VenueModel:
    """Venue, people, runbook and markets of one scenario."""

    venue: Venue
    population: Population
    runbook: Runbook
    markets: Markets


def model_of(scenario: Scenario) -> VenueModel:
    """The typed part of a scenario of this kit."""
    return cast(VenueModel, scenario.venue)


def step_names(scenario: Scenario) -> tuple[str, ...]:
    """The names of the main branch's steps: what a fault can be anchored to."""
    return tuple(spec.label for spec in model_of(scenario).runbook.steps)


def restarted_services(scenario: Scenario) -> tuple[str, ...]:
    """The services that the runbook starts again, in the order of the venue."""
    started = {
        name for spec in model_of(scenario).runbook.steps for name in spec.services if spec.step == "start_services"
    }
    return tuple(name for name in SERVICES if name in started)
