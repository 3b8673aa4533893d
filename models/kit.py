"""The kit: offers the venue model to the harness."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from drydock.harness import registry
from drydock.harness.database import SIMULATED, Database, NoDatabase
from drydock.harness.event import Event
from drydock.harness.frame import Known, finish_scenario, parse_frame
from drydock.harness.json_schema import json_schema, scenario_schema, type_schema
from drydock.harness.mistakes import Mistakes
from drydock.harness.places import key_place
from drydock.harness.port import Canary, Case, Law, Ledger, Plain, Rule, Scenario, Step, Switch, Where, World
from drydock.harness.sim import Sim
from drydock.harness.typed import build, build_value
from drydock.harness.units import format_ppm
from drydock.models import regimes
from drydock.models.catalogue import safeguards, subjects
from drydock.models.charts import VenueCharts
from drydock.models.database_needs import needs_of
from drydock.models.databases import Databases, SimulatedDatabases
from drydock.models.invariants.canaries import canaries
from drydock.models.invariants.register import LAWS, make_laws
from drydock.models.ledger import HARM_KINDS, VenueLedger
from drydock.models.lint import check_night, check_runbook, rules
from drydock.models.market_files import ScenarioFiles
from drydock.models.markets import Market, Markets, paradex_markets
from drydock.models.model import VenueModel, model_of, step_names, step_specs
from drydock.models.names import account_label
from drydock.models.people_spec import Population
from drydock.models.runbook import GO_ON, NO_ROLLBACK, OLDER
from drydock.models.runbook_spec import Runbook
from drydock.models.sentences import describe
from drydock.models.venue import MarketsSpec, Venue
from drydock.models.world import VenueWorld, planned_steps
from drydock.models.worth import CLIENT_SEAM, worth

OWN_KEYS = {"venue": Venue, "population": Population, "runbook": Runbook}
TAPES = "tapes"
DRAWN = ("accounts", "open_interest_usd", "markets_each", "size_alpha_ppm")
"""What a population says of the people that are drawn, and not of those in a file."""
SLIPS = ("skips", "delays", "repeats", "swaps")
DECISIONS = {"verify": (GO_ON,), "rollback": (NO_ROLLBACK, OLDER)}
POSTGRES = "postgres"
SCENARIOS = Path(__file__).parent / "scenarios"
TEMPLATES = Path(__file__).parent / "templates"


class VenueKit:
    """A perpetuals venue with its services, database, chain and operators."""

    name = "venue"
    databases: Databases = SimulatedDatabases()

    def __init__(self, databases: Databases | None = None) -> None:
        """``databases`` is the build that its worlds stand on; the model's own where none is given."""
        if databases is not None:
            self.databases = databases

    # ---- data ------------------------------------------------------------------------------------------------
    def parse(self, data: Plain, where: Where) -> Scenario:
        """The scenario of a file's data. Raises ``BadFile`` with all mistakes together."""
        mistakes = Mistakes()
        laws = {law.id: law.law_class for law in LAWS}  # a goal has no limit, and is no risk to accept
        tapes = _tape_names(data, where, mistakes)
        known = Known((*regimes.REGIMES, *tapes), laws, _step_labels(data), HARM_KINDS)
        frame = parse_frame(data, where, mistakes, own_keys=(*OWN_KEYS, TAPES), known=known)
        parts = {key: self._part(key, data, where, mistakes) for key in OWN_KEYS}
        files = ScenarioFiles(where, mistakes)
        venue, population, runbook = parts["venue"], parts["population"], parts["runbook"]
        markets = files.read(_markets_spec(data) if venue is None else venue.markets)
        positions = None
        if population is not None and population.file is not None:
            _check_population(data, where, mistakes)
            positions = files.positions(population.file, markets)
            population = replace(population, accounts=len(positions.ids)) if positions else population
        played = files.tapes(tapes, markets)
        if runbook is not None:
            check_night(runbook, where, mistakes)
            check_runbook(runbook, where, mistakes)
        if venue is None or runbook is None:
            mistakes.raise_if_any()
        model = VenueModel(venue, population, runbook, markets, positions, played)  # type: ignore[arg-type]
        return finish_scenario(
            frame,
            model,
            data=data,
            where=where,
            mistakes=mistakes,
            files=files.hashes,
            is_private=positions is not None,
        )

    def _part(self, key: str, data: Plain, where: Where, mistakes: Mistakes) -> Any:
        if not isinstance(data, dict):
            return None
        if key == "runbook" and key not in data:
            mistakes.add(key_place(where, ()), "runbook: it is missing; a scenario needs the operators' steps")
            return None
        return build(OWN_KEYS[key], data.get(key, {}), (key,), where, mistakes)

    def scenarios(self) -> Mapping[str, str]:
        """Packaged scenarios: name to path."""
        return {path.stem: str(path) for path in sorted(SCENARIOS.glob("*.yaml"))}

    def templates(self) -> Mapping[str, str]:
        """What ``drydock new`` writes: noun to path."""
        files = sorted(file for file in TEMPLATES.iterdir() if file.stem.startswith("my_"))
        return {file.stem.removeprefix("my_"): str(file) for file in files}

    def schema(self) -> Plain:
        """JSON Schema of a scenario file."""
        own = {key: json_schema(cls) for key, cls in OWN_KEYS.items()}
        own[TAPES] = type_schema(Mapping[str, str]) | {"description": "regimes from price tapes: name to CSV file"}
        return scenario_schema(own, ("runbook",), registry.faults())

    # ---- what a scenario has -----------------------------------------------------------------------------------
    def steps(self, scenario: Scenario) -> Sequence[Step]:
        """The main branch of the runbook."""
        runbook = model_of(scenario).runbook
        planned = dict(planned_steps(runbook))
        return [Step(s.label, s.step, planned[s.label], s.duration_ms) for s in runbook.steps]

    def unplanned(self, scenario: Scenario) -> Sequence[Step]:
        """The steps of the incident's branch whose names the main one has not."""
        steps, at_ms = [], 0
        for branch, spec in step_specs(scenario).values():
            if branch == "incident":
                steps.append(Step(spec.label, spec.step, at_ms, spec.duration_ms))
                at_ms += spec.duration_ms
        return steps

    def anchors(self, scenario: Scenario) -> Sequence[str]:
        """Steps of the main branch, then those that only the incident's has."""
        return step_names(scenario)

    def switches(self, scenario: Scenario) -> Sequence[Switch]:
        """The safeguards."""
        return safeguards(model_of(scenario).venue)

    def edits(self, step: Step) -> Sequence[Plain]:
        """The slips of a step: left out, late, twice, after the next one; a wrong decision where it asks for one."""
        slips: list[Plain] = [{"kind": f"operator_{slip}", "step": step.name} for slip in SLIPS]
        decisions = DECISIONS.get(step.kind, ())
        return slips + [{"kind": "operator_decides", "step": step.name, "decision": wrong} for wrong in decisions]

    # ---- databases -----------------------------------------------------------------------------------------------
    def backends(self) -> Sequence[str]:
        """The databases it can stand on."""
        return (SIMULATED, POSTGRES)

    @property
    def stands_on(self) -> Database:
        """What it stands on."""
        return self.databases.told

    @contextmanager
    def on(self, database: str, server: str = "") -> Iterator[VenueKit]:
        """This kit on a database; of ``postgres``, ``server`` says which, as ``--postgres`` has it.

        Raises ``NoDatabase`` where that cannot be had, and ``DatabaseFailed`` where its server does not start.
        """
        if database == SIMULATED:
            yield VenueKit()
            return
        from drydock.models.postgres.databases import standing_on

        with standing_on(server) as databases:
            yield VenueKit(databases)

    def beyond(self, scenario: Scenario, strikes: Collection[tuple[str, str]]) -> Sequence[str]:
        """What of these its database cannot do: a server that is not its own takes plain transactions alone."""
        return [] if self.databases.can_all else needs_of(scenario, strikes)

    def found(self) -> Mapping[str, str]:
        """Which PostgreSQL would be taken here."""
        from drydock.models.postgres.databases import what_would_be_taken

        try:
            return {POSTGRES: str(what_would_be_taken())}
        except NoDatabase as missing:
            return {POSTGRES: f"none: {missing}"}

    def rules(self) -> Sequence[Rule]:
        """Static checks."""
        return rules()

    # ---- running and judging -------------------------------------------------------------------------------------
    def world(self, case: Case, sim: Sim) -> VenueWorld:
        """The venue alive."""
        return VenueWorld(case, sim, self.databases)

    def laws(self, scenario: Scenario) -> Sequence[Law]:
        """Every law and goal, fresh."""
        return make_laws()

    def ledger(self, scenario: Scenario) -> Ledger:
        """The fold that prices harm."""
        return VenueLedger(model_of(scenario).population.first_person)

    def canaries(self) -> Sequence[Canary]:
        """Wrong builds and their controls, on the bench venue."""
        return canaries()

    # ---- for readers ---------------------------------------------------------------------------------------------
    def catalogue(self) -> Mapping[str, Sequence[tuple[str, str]]]:
        """Steps, gates, services, seams, channels, regimes, and the markets that come with Drydock."""
        return {**subjects(), "markets": _market_sentences(paradex_markets())}

    def describe(self, event: Event, scenario: Scenario, *, in_full: bool = False) -> str | None:
        """A plain sentence for a timeline, or in full for the story of a finding."""
        return describe(event, model_of(scenario), in_full=in_full)

    def charts(self, scenario: Scenario) -> VenueCharts:
        """Steps, services, prices and indices against the truth."""
        return VenueCharts(model_of(scenario))

    def account_label(self, scenario: Scenario, account: int) -> str:
        """Its id where a file gave it one, else its number."""
        return account_label(model_of(scenario), account)

    def worth(self, world: World) -> Mapping[int, int]:
        """Equity on the chain at true marks and indices, transfers undone, of everybody but the vault."""
        assert isinstance(world, VenueWorld)
        return worth(world)

    def client_seam(self, scenario: Scenario) -> str | None:
        """Where intents pass."""
        return CLIENT_SEAM


def _market_sentences(markets: Markets) -> tuple[tuple[str, str], ...]:
    """Each market with its terms."""

    def terms(market: Market) -> str:
        margin, band, cap = map(format_ppm, (market.imf_ppm, market.band_ppm, market.rate_cap_ppm))
        hours = market.period_ms // 3_600_000
        return f"initial margin {margin}, price band {band}, funding every {hours} h, at most {cap}"

    return tuple((name, terms(markets[number])) for number, name in enumerate(markets.names))


def _markets_spec(data: Plain) -> MarketsSpec:
    """The markets of a venue that has other mistakes, so that theirs are told beside them."""
    venue = data.get("venue") if isinstance(data, dict) else None
    markets = venue.get("markets", {}) if isinstance(venue, dict) else {}
    return build(MarketsSpec, markets, (), lambda _: "", Mistakes()) or MarketsSpec()


def _tape_names(data: Plain, where: Where, mistakes: Mistakes) -> Mapping[str, str]:
    """The tapes of a scenario: regime to file. A tape does not take the name of a shipped regime."""
    named = data.get(TAPES, {}) if isinstance(data, dict) else {}
    tapes: Mapping[str, str] = build_value(Mapping[str, str], named, (TAPES,), where, mistakes) or {}
    for name in tapes:
        if name in regimes.REGIMES:
            told = f"{TAPES}.{name}: '{name}' is a regime that comes with Drydock; give the tape another name"
            mistakes.add(key_place(where, (TAPES, name)), told)
    return tapes


def _check_population(data: Plain, where: Where, mistakes: Mistakes) -> None:
    """Nothing is said of drawn people where a file says who is there."""
    for key in DRAWN:
        if key in data["population"]:
            path = ("population", key)
            mistakes.add(key_place(where, path), f"population.{key}: the file says who there is; leave it out")


def _step_labels(data: Plain) -> tuple[str, ...]:
    """The names of both branches' steps, as far as the raw data has them: enough to check what faults refer to."""
    runbook = data.get("runbook") if isinstance(data, dict) else None
    incident = runbook.get("on_incident") if isinstance(runbook, dict) else None
    labels: list[str] = []
    for branch in (runbook, incident):
        steps = branch.get("steps") if isinstance(branch, dict) else None
        for step in steps if isinstance(steps, list) else ():
            if isinstance(step, dict) and isinstance(step.get("step"), str):
                labels.append(str(step.get("name") or step["step"].replace("_", "-")))
    return tuple(dict.fromkeys(labels))
