"""Known failures in a verdict: what became of the corpus, what of it decides, and what of it is missing evidence.

A regression whose run breaks a safety law is a NO-GO, whether it fails as it did or otherwise, unless the scenario
accepts the law or this very regression. One of a service or a loss law is told and does not decide: the limits of
these are on shares of independent runs, and this is one run that somebody chose. One that no longer applies, or was not
played in its time, is missing evidence: a protection that was there is not there, and somebody has to say that it may
go, by deleting its file or by accepting it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from drydock.harness.bundle import RunSummary
from drydock.harness.explore.space import is_threat
from drydock.harness.port import Accepted, Case, Kit, Law, Scenario
from drydock.harness.regression import NoLongerApplies, Regression, Standing, case_today, standing
from drydock.harness.report.words import are
from drydock.harness.result import KnownLine
from drydock.harness.signature import Signature

NOT_PLAYED = Standing("not played", "the time for known failures was over; --corpus-time gives more")


@dataclass(frozen=True, slots=True)
class Known:
    """A regression on its way through a rehearsal: the case that it is today, or why it is none."""

    regression: Regression
    case: Case | None
    gone: str = ""


def known_today(corpus: Iterable[Regression], scenario: Scenario, kit: Kit) -> tuple[Known, ...]:
    """The scenario's regressions as cases of today."""
    return tuple(_today(regression, scenario, kit) for regression in corpus)


def _today(regression: Regression, scenario: Scenario, kit: Kit) -> Known:
    try:
        return Known(regression, case_today(regression, scenario, kit))
    except NoLongerApplies as gone:
        return Known(regression, None, "; ".join(gone.reasons))


def standing_in(known: Known, run: RunSummary | None, losses_max: Mapping[str, int]) -> Standing:
    """What became of it; ``run`` is None where it was not played."""
    if known.case is None:
        return Standing("no longer applies", known.gone)
    if run is None:
        return NOT_PLAYED
    if run.error or run.is_exhausted:
        return Standing("no longer applies", run.error or "its run used up the event budget and came to no end")
    lost = {law for law, most in losses_max.items() if run.losses.get(law, 0) <= most}
    return standing(known.regression, [shown for shown in run.signatures if shown.law not in lost], run)


def known_lines(
    stood: Sequence[tuple[Known, Standing]], laws: Sequence[Law], accepted: Sequence[Accepted]
) -> tuple[KnownLine, ...]:
    """One line a regression. ``accepted`` are the risks that have not expired."""
    classes = {law.id: law.law_class for law in laws}
    return tuple(_line(known, outcome, classes, accepted) for known, outcome in stood)


def _line(known: Known, stood: Standing, classes: Mapping[str, str], accepted: Sequence[Accepted]) -> KnownLine:
    regression = known.regression
    broken = stood.others + ((regression.signature,) if stood.outcome == "still fails" else ())
    safety = [signature for signature in broken if classes.get(signature.law) == "safety"]
    open_ones = [signature for signature in safety if not _accepts(accepted, regression, signature)]
    is_silent = stood.outcome in ("no longer applies", "not played")
    is_known = is_silent and _accepts(accepted, regression, regression.signature)
    is_accepted = is_known or (bool(safety) and not open_ones)
    return KnownLine(
        id=regression.id,
        file=regression.file,
        signature=str(regression.signature),
        because=regression.because,
        outcome=stood.outcome,
        told=stood.told,
        law_class=classes.get(regression.signature.law, "unknown"),
        is_accepted=is_accepted,
        decides=bool(open_ones),
        is_missing=is_silent and not is_accepted,
        outside=() if known.case is None else kinds_outside(known.case),
    )


def kinds_outside(case: Case) -> tuple[str, ...]:
    """The kinds of those faults of a case that are outside of its scenario's threats."""
    return tuple(dict.fromkeys(fault.kind for fault in case.plan if not is_threat(fault, case.scenario)))


def _accepts(accepted: Sequence[Accepted], regression: Regression, signature: Signature) -> bool:
    """Whether a risk names the law, or the law as far as this regression shows it."""
    return any(risk.law == signature.law and risk.regression in ("", regression.id) for risk in accepted)


def times_true(risk: Accepted, lines: Iterable[KnownLine]) -> int:
    """How often a risk that names a regression came true: once, or not at all."""
    return sum(line.id == risk.regression and "fails" in line.outcome for line in lines)


def violations_of(lines: Iterable[KnownLine]) -> Iterator[str]:
    """The sentences of those that decide."""
    for line in lines:
        if line.decides:
            what = (
                f"{line.signature} still fails" if line.outcome == "still fails" else f"{line.signature}: {line.told}"
            )
            yield f"regression {line.id}: {what}{_ways_out(line)}"


def _ways_out(line: KnownLine) -> str:
    """For what is outside of the design basis: that it is, and what somebody may do who does not want to mend it."""
    if not line.outside:
        return ""
    law = line.signature.partition("@")[0]
    risk = f"accept it (law: {law}, regression: {line.id})"
    return f"; {are(line.outside)} outside of the threats: mend it, {risk}, or delete {line.file or 'it'}"


def missing_of(lines: Iterable[KnownLine]) -> Iterator[str]:
    """The sentences of those that said nothing."""
    for line in lines:
        if line.is_missing:
            yield f"regression {line.id} ({line.signature}) {_VERBS[line.outcome]}: {line.told}"


_VERBS = {"no longer applies": "no longer applies", "not played": "was not played"}
