"""The kit's own part of a scenario, typed, and what faults and laws ask of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import cast

from drydock.harness.port import Scenario
from drydock.models.markets import Markets
from drydock.models.people_spec import Population
from drydock.models.positions import Positions
from drydock.models.regimes import Regime, regime
from drydock.models.runbook_spec import SERVICES, Runbook, StepSpec
from drydock.models.tapes import Tape
from drydock.models.venue import Venue


@dataclass(frozen=True, slots=True)
class VenueModel:
    """Venue, people, runbook and markets of one scenario; positions and tapes where files bring them."""

    venue: Venue
    population: Population
    runbook: Runbook
    markets: Markets
    positions: Positions | None = None
    tapes: Mapping[str, Tape] = field(default_factory=dict)

    def regime(self, name: str) -> Regime:
        """The regime of that name: a tape of the scenario, or a shipped one."""
        return Regime(name, tape=self.tapes[name]) if name in self.tapes else regime(name)


def model_of(scenario: Scenario) -> VenueModel:
    """The typed part of a scenario of this kit."""
    return cast(VenueModel, scenario.venue)


def step_names(scenario: Scenario) -> tuple[str, ...]:
    """What a fault can be anchored to: the main branch's steps, then those that only the incident's branch has."""
    runbook = model_of(scenario).runbook
    incident = () if runbook.on_incident is None else runbook.on_incident.steps
    return tuple(dict.fromkeys(spec.label for spec in (*runbook.steps, *incident)))


def step_specs(scenario: Scenario) -> Mapping[str, tuple[str, StepSpec]]:
    """(branch, step) by label; a label of both branches means the main one's."""
    runbook = model_of(scenario).runbook
    incident = () if runbook.on_incident is None else runbook.on_incident.steps
    found = {spec.label: ("incident", spec) for spec in incident}
    return found | {spec.label: ("main", spec) for spec in runbook.steps}


def restarted_services(scenario: Scenario) -> tuple[str, ...]:
    """The services that the runbook starts again, in the order of the venue."""
    started = {
        name for spec in model_of(scenario).runbook.steps for name in spec.services if spec.step == "start_services"
    }
    return tuple(name for name in SERVICES if name in started)
