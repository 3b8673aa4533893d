"""Known failures as test items: each file of a corpus is a test, which passes once its failure is fixed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import pytest

from drydock.harness import registry
from drydock.harness.corpus import scenario_of
from drydock.harness.mistakes import BadFile
from drydock.harness.port import Case, Kit, Scenario
from drydock.harness.pytest_nights import replay_line, shown, todays_date
from drydock.harness.pytest_plugin import wishes_of
from drydock.harness.regression import NoLongerApplies, Regression, Standing, case_today, read_regression, standing_of
from drydock.harness.report.story import story_lines
from drydock.harness.run import HarnessError, run_case
from drydock.harness.scenario import load_scenario
from drydock.harness.signature import Signature
from drydock.harness.story import story_of

_STORY_MAX = 12


class StillFails(AssertionError):
    """A known failure is not fixed; the text tells it."""


class RegressionFile(pytest.File):
    """One file of a corpus."""

    def collect(self) -> Iterable[pytest.Item]:
        """One item, named by how it failed; a file with mistakes is an error."""
        try:
            known = read_regression(self.path)
        except BadFile as bad:
            raise self.CollectError(str(bad)) from None
        yield RegressionItem.from_parent(self, name=str(known.signature), known=known)


class RegressionItem(pytest.Item):
    """A known failure on its scenario as it is today."""

    def __init__(self, *, known: Regression, **rest: Any) -> None:
        super().__init__(**rest)
        self.known = known

    def runtest(self) -> None:
        """Passes where it is fixed, is skipped where it no longer applies, and is expected to fail where accepted."""
        try:
            scenario = load_scenario(scenario_of(self.known))
            kit = registry.kit(scenario.kit)
            case = case_today(self.known, scenario, kit)
        except NoLongerApplies as gone:
            pytest.skip(_why(gone))
        result = run_case(case, kit)
        if result.error:
            raise HarnessError(result.error)
        stood = standing_of(self.known, result, case, kit)
        wishes = wishes_of(self)
        replay = replay_line(shown(self.path), wishes.loads)
        broken = _broken(self.known, stood)
        wishes.note(case, result.digest, [signature.law for signature in broken], replay)
        wishes.properties += [("drydock.case", shown(self.path)), ("drydock.outcome", stood.outcome)]
        if stood.outcome == "no longer applies":
            pytest.skip(stood.told)
        if broken:
            _allow_accepted(broken, self.known, scenario)
            raise StillFails(_told(self.known, stood, case, kit, broken))

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], *rest: Any) -> Any:
        """The story alone: a traceback would be that of this file."""
        if isinstance(excinfo.value, StillFails | BadFile):
            return str(excinfo.value)
        return super().repr_failure(excinfo, *rest)

    def reportinfo(self) -> tuple[Path, int, str]:
        """Where the failure is kept, and what it is."""
        return self.path, 0, f"{self.known.keys.scenario}: {self.known.signature}"


def _why(gone: NoLongerApplies) -> str:
    """The reasons; an option that they advise has another name here."""
    return "; ".join(gone.reasons).replace("--load FILE", "--drydock-load FILE")


def _broken(known: Regression, stood: Standing) -> tuple[Signature, ...]:
    return (*((known.signature,) if stood.outcome == "still fails" else ()), *stood.others)


def _allow_accepted(broken: Sequence[Signature], known: Regression, scenario: Scenario) -> None:
    """``xfail`` where every law that it breaks is accepted today, for this regression or altogether."""
    today = todays_date()
    risks = [risk for risk in scenario.accepted if today <= risk.expires and risk.regression in ("", known.id)]
    accepted = {risk.law: risk for risk in risks}
    if {signature.law for signature in broken} <= set(accepted):
        pytest.xfail(
            "; ".join(f"{law} is accepted until {risk.expires}: {risk.reason}" for law, risk in accepted.items())
        )


def _told(known: Regression, stood: Standing, case: Case, kit: Kit, broken: Sequence[Signature]) -> str:
    """What became of it, why it is known, and how its story begins."""
    lines = [f"{known.keys.scenario}: {known.signature}: {stood.told}", f"  because: {known.because}"]
    story = story_of(case, kit, broken[0])
    if story is not None:
        told = list(story_lines(story))
        lines += told[:_STORY_MAX] + (["  ..."] if len(told) > _STORY_MAX else [])
    return "\n".join(lines)
