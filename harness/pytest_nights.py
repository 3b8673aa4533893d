"""Nights of tests: what a test wishes for, what it played, and how that is played again."""

from __future__ import annotations

import datetime
import os
import shlex
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from drydock.harness import registry
from drydock.harness.case_file import case_to_json
from drydock.harness.cli.cache import save_case
from drydock.harness.corpus import read_corpus
from drydock.harness.mistakes import BadFile
from drydock.harness.port import Case, Fault, Scenario
from drydock.harness.rehearsal import Options
from drydock.harness.scenario import load_scenario
from drydock.harness.testing import Night, night, play
from drydock.harness.verdict import rehearse, verdict_digest

if TYPE_CHECKING:
    from drydock.harness.result import Verdict
    from drydock.harness.sim import Ties

_SUFFIXES = (".yaml", ".yml", ".json")


@dataclass(slots=True)
class Wishes:
    """A test's mark and options, and the note of what it played last: that is what failed, if anything did.

    Of many nights under ``@given`` the last is the smallest that fails.
    """

    marked: tuple[str, ...]
    folders: tuple[Path, ...]
    seed: int
    runs: int | None
    cases: Path
    loads: tuple[str, ...]
    case: Case | None = None
    replay: str = ""
    properties: list[tuple[str, object]] = field(default_factory=list)

    def scenario(self) -> Scenario:
        """The marked scenario; the test fails where there is no mark, or its file has mistakes."""
        if not self.marked:
            pytest.fail('mark the test: @pytest.mark.scenario("name-or-file", "path=value", ...)', pytrace=False)
        return self._loaded(self.marked[0], self.marked[1:])

    def play(
        self,
        plan: Case | Sequence[Fault] | None,
        place: Scenario | str | None,
        *,
        seed: int | None,
        regime: str | None,
        ties: Ties | None,
        laws: Sequence[str],
        check: bool,
    ) -> Night:
        """One night, noted."""
        __tracebackhide__ = True
        if isinstance(plan, Case):
            played = play(plan, laws=laws)
        else:
            at = self._place(place)
            seed = self.seed if seed is None else seed
            plan = at.reported if plan is None else plan
            played = night(at, plan, seed=seed, regime=regime, ties=ties, laws=laws)
        self.note(played.case, played.result.digest, played.broken)
        return played.check() if check else played

    def rehearse(
        self,
        place: Scenario | str | None,
        *,
        runs: int | None,
        level: str | None,
        seed: int | None,
        workers: int,
        today: str | None,
        expect: str | None,
    ) -> Verdict:
        """A whole rehearsal, corpus and canaries included, noted."""
        __tracebackhide__ = True
        scenario = self._place(place)
        options = Options(
            today=today or todays_date(),
            level=level,
            runs=runs or (None if level else self.runs),
            seed=self.seed if seed is None else seed,
            workers=workers,
            corpus=read_corpus(scenario),
        )
        verdict = rehearse(scenario, registry.kit(scenario.kit), options)
        violations = [one for bundle in (verdict.reported, verdict.sweep) if bundle for one in bundle.violations]
        self.note(
            violations[0].first_case if violations else None, verdict_digest(verdict), [one.law for one in violations]
        )
        self.properties += (
            [("drydock.scenario", scenario.name), ("drydock.seed", options.seed)] if not violations else []
        )
        self.properties += [("drydock.decision", verdict.decision), ("drydock.claim", verdict.claim)]
        if expect is not None and verdict.decision != expect:
            grounds = "\n".join(f"  {reason}" for reason in verdict.reasons)
            pytest.fail(f"{scenario.name}: {verdict.claim}\n{grounds}", pytrace=False)
        return verdict

    def note(self, case: Case | None, digest: str, broken: Sequence[str], replay: str = "") -> None:
        """What was played, instead of what was before."""
        self.case, self.replay, self.properties = case, replay, [("drydock.digest", digest)]
        if case is not None:
            self.properties += [("drydock.scenario", case.scenario.name), ("drydock.seed", case.seed)]
        if broken:
            self.properties.append(("drydock.laws_broken", " ".join(dict.fromkeys(broken))))

    def lines(self, *, has_failed: bool) -> list[str]:
        """How to play it again; saves the case of a test that failed."""
        if not has_failed or (self.case is None and not self.replay):
            return []
        if not self.replay and self.case is not None:
            try:
                self.cases.mkdir(parents=True, exist_ok=True)
                file = save_case(self.case, self.cases)
            except (BadFile, OSError) as error:
                return [f"the case cannot be saved: {error}", case_to_json(self.case)]
            self.properties.append(("drydock.case", shown(file)))
            self.replay = replay_line(shown(file), self.loads)
        return [f"again: {self.replay}"]

    def _place(self, place: Scenario | str | None) -> Scenario:
        if isinstance(place, Scenario):
            return place
        return self.scenario() if place is None else self._loaded(place, ())

    def _loaded(self, reference: str, sets: Sequence[str]) -> Scenario:
        """A packaged name, or a file: beside the test, below the root, or below the current folder."""
        __tracebackhide__ = True
        if reference.endswith(_SUFFIXES):
            there = (folder / reference for folder in self.folders)
            reference = str(next((file for file in there if file.is_file()), reference))
        try:
            return load_scenario(reference, sets)
        except BadFile as bad:
            pytest.fail(str(bad), pytrace=False)


def replay_line(file: str, loads: Sequence[str]) -> str:
    """The command that plays a saved file again."""
    return shlex.join(["drydock", "replay", file, *(part for path in loads for part in ("--load", path))])


def shown(file: str | os.PathLike[str]) -> str:
    """A path as somebody in the current folder would write it."""
    path = Path(file)
    return str(path.relative_to(Path.cwd())) if path.is_absolute() and path.is_relative_to(Path.cwd()) else str(path)


def todays_date() -> str:
    """Accepted risks expire: the date is asked for once, and goes into what is decided."""
    return datetime.date.today().isoformat()  # noqa: TID251, DTZ011  (the default of an input)
