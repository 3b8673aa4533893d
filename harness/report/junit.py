"""The verdict as JUnit XML: what CI systems read. A test case for each law and bundle, and for what else decides.

A broken law or a passed limit is a *failure*; what leaves the verdict INCONCLUSIVE (a goal never reached, a fault
never exercised, a law that nobody has seen fail) is an *error*; what decides nothing (an accepted risk, a law that had
nothing to check there) is *skipped*.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from drydock.harness.report.text import broken_laws
from drydock.harness.report.words import count, usd
from drydock.harness.result import Bundle, KnownLine, LimitLine, Verdict
from drydock.harness.units import format_ppm

if TYPE_CHECKING:
    from junitparser import TestCase

_NO_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def junit(verdicts: Sequence[Verdict], replays: Sequence[Mapping[str, str]]) -> str:
    """All verdicts as one XML document; ``replays`` holds for each a law's command to see it again."""
    from junitparser import JUnitXml, TestSuite

    document = JUnitXml("drydock")
    for verdict, own in zip(verdicts, replays, strict=True):
        for name, cases in _Cases(verdict, own).suites():
            suite = TestSuite(_xml(f"{verdict.scenario}: {name}"))
            suite.add_property("decision", verdict.decision)
            suite.add_property("level", verdict.level)
            suite.add_property("seed", str(verdict.seed))
            suite.add_testcases(cases)
            document.add_testsuite(suite)
    return _finished(document) + "\n"


class _Cases:
    """The test cases of one verdict."""

    def __init__(self, verdict: Verdict, replays: Mapping[str, str]) -> None:
        self._verdict = verdict
        self._replays = replays
        self._accepted = {str(risk["law"]): risk for risk in verdict.accepted if not risk["expired"]}
        self._violations = {violation.law: violation for violation in broken_laws(verdict)}

    def suites(self) -> Iterator[tuple[str, list[TestCase]]]:
        verdict = self._verdict
        yield "verdict", [self._decision()]
        baseline = {finding.law: finding.detail for finding in verdict.baseline}
        if baseline:
            yield "baseline", [self._case("baseline", law, failure=f"without any fault: {told}")
                               for law, told in baseline.items()]  # fmt: skip
        for bundle in (verdict.reported, verdict.sweep):
            if bundle is not None and bundle.runs:
                yield bundle.name, list(self._bundle(bundle))
        if verdict.regressions:
            yield "known failures", [self._known(line) for line in verdict.regressions]
        evidence = list(self._evidence())
        if evidence:
            yield "evidence", evidence

    def _decision(self) -> TestCase:
        told = "\n".join((self._verdict.claim, *self._verdict.reasons))
        if self._verdict.decision == "NO-GO":
            return self._case("verdict", "decision", failure=told)
        return self._case("verdict", "decision", error=told if self._verdict.decision == "INCONCLUSIVE" else "")

    def _bundle(self, bundle: Bundle) -> Iterator[TestCase]:
        limits = {line.law: line for line in self._verdict.limits if line.bundle == bundle.name}
        for law in dict.fromkeys((*self._verdict.laws, *limits, *bundle.law_runs)):
            broke = bundle.law_runs.get(law, 0)
            if law in self._accepted:
                risk = self._accepted[law]
                told = f"accepted by {risk['owner']} until {risk['expires']}: {risk['reason']}; {_share(broke, bundle)}"
                yield self._case(bundle.name, law, skipped=told)
            elif law in limits:
                line = limits[law]
                yield self._case(bundle.name, law, failure=self._beyond(line) if line.passed else "")
            elif broke:
                yield self._case(bundle.name, law, failure=f"{self._told(law)}\n{_share(broke, bundle)}")
            elif law in bundle.vacuous:
                yield self._case(bundle.name, law, skipped="it had nothing to check in these runs")
            else:
                yield self._case(bundle.name, law)
        for error in bundle.errors:
            yield self._case(bundle.name, "harness", error=error)

    def _known(self, line: KnownLine) -> TestCase:
        """A failure that was seen before: a failure if it decides, an error if nobody knows, skipped if it may be."""
        replay = self._replays.get(line.id)
        told = "\n".join([f"{line.outcome}: {line.told}", line.because, *([f"again: {replay}"] if replay else [])])
        name = f"{line.signature} {line.id}"
        if line.outcome == "fixed":
            return self._case("known", name)
        if line.decides:
            return self._case("known", name, failure=told)
        return self._case("known", name, error=told) if line.is_missing else self._case("known", name, skipped=told)

    def _told(self, law: str) -> str:
        """What the law says, its first finding, and how to see it again."""
        violation = self._violations.get(law)
        lines = [violation.sentence, violation.first_finding.detail] if violation else []
        replay = self._replays.get(law)
        return "\n".join([*lines, *([f"again: {replay}"] if replay else [])])

    def _beyond(self, line: LimitLine) -> str:
        what = f"lost more than {usd(line.quantums_max)} USD" if line.law_class == "loss" else "broke it"
        share = f"{format_ppm(line.share_ppm)} of the runs {what}, the limit is {format_ppm(line.share_ppm_max)}"
        return f"{share}\n{self._told(line.law)}"

    def _evidence(self) -> Iterator[TestCase]:
        for goal in self._verdict.goals:
            if goal.applicable:
                yield self._case("goal", goal.id, error="" if goal.hits else f"never reached: {goal.sentence}")
        for fault in self._verdict.faults:
            if fault.applicable:
                told = "" if fault.exercised else "never exercised: no operation met it"
                yield self._case("fault", fault.kind, error=told)
        for line in self._verdict.canaries:
            yield self._case("canary", f"{line.law} ({line.sentence})", error=line.why)

    def _case(self, group: str, name: str, *, failure: str = "", error: str = "", skipped: str = "") -> TestCase:
        from junitparser import Error, Failure, Skipped, TestCase

        case = TestCase(_xml(name), classname=_xml(f"drydock.{self._verdict.scenario}.{group}"))
        for kind, told in ((Failure, failure), (Error, error), (Skipped, skipped)):
            if told:
                outcome = kind(_xml(told.splitlines()[0]))
                outcome.text = _xml(told)
                case.result = [outcome]
        return case


def _finished(document: Any) -> str:
    """The counts of all suites, and the text; the library says nothing of its types."""
    document.update_statistics()
    told: bytes = document.tostring()
    return told.decode("utf-8")


def _share(broke: int, bundle: Bundle) -> str:
    return f"broken in {broke:,} of {count(bundle.runs, 'run')}"


def _xml(text: str) -> str:
    """Without the characters that XML cannot hold."""
    return _NO_XML.sub("\N{REPLACEMENT CHARACTER}", text)
