"""Regressions: failures that were seen once, by reference to their scenario, and judged on the scenario as it is today.

A regression names its scenario and embeds nothing of it. Its file is a small JSON text that a person can read, move
into version control, and delete once nobody wants to know any more.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from typing import Annotated, Any, Final, Literal, NamedTuple, Protocol

from drydock.harness.bundle import baseline_regimes
from drydock.harness.case_file import TiesKeys, laggards_of, ties_to_plain
from drydock.harness.event import Identity, identity_text
from drydock.harness.mistakes import BadFile, Mistakes, did_you_mean
from drydock.harness.places import Places
from drydock.harness.plan import parse_plan, plan_to_plain
from drydock.harness.port import Case, Kit, Plain, Range, Scenario
from drydock.harness.result import RunResult
from drydock.harness.scenario import canonical_json
from drydock.harness.signature import Signature, loss_limits, parse_signature, signatures
from drydock.harness.sim import Ties
from drydock.harness.typed import build
from drydock.harness.yaml_file import parse_json, read_plain

REGRESSION_SCHEMA: Final = "drydock.regression/1"
Outcome = Literal["still fails", "fails otherwise", "fixed", "no longer applies", "not played"]


class NoLongerApplies(Exception):
    """What was right when it was written names what is not there today; the text says what, and where in the file.

    ``reasons`` say the same without the places, which depend on where a command was given.
    """

    def __init__(self, text: str, reasons: tuple[str, ...] = ()) -> None:
        super().__init__(text, reasons)
        self.reasons = reasons or (text,)

    def __str__(self) -> str:
        return str(self.args[0])


@dataclass(frozen=True, slots=True)
class RegressionKeys:
    """The keys of a regression's file. The plan is read against the scenario, when there is one."""

    schema: Literal["drydock.regression/1"]
    scenario: str
    """the name of the scenario, packaged or beside the corpus"""
    signature: str
    """how it failed: LAW@component(role)"""
    because: str
    """a sentence for whoever meets it next year"""
    regime: str
    """what the outside market did"""
    plan: Any
    """the faults, a list"""
    seed: Annotated[int, Range(0, 2**64 - 1)]
    """of all dice"""
    ties: TiesKeys
    """how same-instant events are ordered"""


@dataclass(frozen=True, slots=True)
class Regression:
    """One failure that was seen: how it failed, why, and what it takes. ``file`` is empty until it is saved."""

    signature: Signature
    because: str
    keys: RegressionKeys
    laggards: tuple[Identity, ...]
    places: Places
    file: str = ""

    @property
    def id(self) -> str:
        """Eight characters: a hash of what is played and of the failure, not of the words."""
        told = regression_to_plain(self)
        del told["because"]
        return blake2b(canonical_json(told).encode(), digest_size=4).hexdigest()


# ---- from and to a case ---------------------------------------------------------------------------------------------
def regression_of(case: Case, signature: Signature, because: str) -> Regression:
    """The regression that a case is, by reference to its scenario's name."""
    keys = RegressionKeys(
        schema=REGRESSION_SCHEMA,
        scenario=case.scenario.name,
        signature=str(signature),
        because=" ".join(because.split()),
        regime=case.regime,
        plan=plan_to_plain(case.plan),
        seed=case.seed,
        ties=TiesKeys("fifo" if case.ties.mode == "fifo" else "seeded", tuple(map(identity_text, case.ties.laggards))),
    )
    return Regression(signature, keys.because, keys, case.ties.laggards, Places("regression", Path(".")))


def case_today(known: Regression, scenario: Scenario, kit: Kit) -> Case:
    """What the regression is on this scenario. :exc:`NoLongerApplies` where it names what is not there."""
    keys, mistakes = known.keys, Mistakes()
    plan = parse_plan(keys.plan, ("plan",), known.places, mistakes, scenario, kit)
    regimes, laws = baseline_regimes(scenario), [law.id for law in kit.laws(scenario)]
    for place, noun, name, there in (
        ("regime", "regime", keys.regime, regimes),
        ("signature", "law", known.signature.law, laws),
    ):
        if name not in there:
            mistakes.add(known.places((place,)), f"{place}: unknown {noun} '{name}'; {did_you_mean(name, there)}")
    for number, fault in enumerate(plan):
        if not mistakes and not fault.applicable(scenario):
            mistakes.add(known.places(("plan", number)), f"plan.{number}: {fault.kind} cannot strike this scenario")
    try:
        mistakes.raise_if_any()
    except BadFile as bad:
        raise NoLongerApplies(str(bad), tuple(mistake.message for mistake in bad.mistakes)) from None
    return Case(scenario, keys.regime, plan, keys.seed, Ties(keys.ties.mode, known.laggards))


# ---- files ----------------------------------------------------------------------------------------------------------
def regression_to_plain(known: Regression) -> dict[str, Plain]:
    """The regression as plain data, in the order in which a reader wants it."""
    keys = known.keys
    return {
        "schema": REGRESSION_SCHEMA,
        "scenario": keys.scenario,
        "signature": keys.signature,
        "because": keys.because,
        "regime": keys.regime,
        "plan": keys.plan,
        "seed": keys.seed,
        "ties": ties_to_plain(Ties(keys.ties.mode, known.laggards)),
    }


def regression_to_json(known: Regression) -> str:
    """The text of its file."""
    return json.dumps(regression_to_plain(known), indent=2) + "\n"


def read_regression(file: str | Path) -> Regression:
    """The regression of a file. Raises :exc:`~drydock.harness.mistakes.BadFile` with all mistakes of its form.

    What it says of its scenario (steps, targets, kinds) is looked at by :func:`case_today`: that changes.
    """
    mistakes = Mistakes()
    data, places = read_plain(file, mistakes)
    mistakes.raise_if_any()
    return regression_from_plain(data, places)


def regression_from_json(text: str, file: str = "regression") -> Regression:
    """The regression of a JSON text; ``file`` names it in mistakes."""
    mistakes = Mistakes()
    data, places = parse_json(text, file, mistakes, Path("."))
    mistakes.raise_if_any()
    return regression_from_plain(data, places)


def regression_from_plain(data: Plain, places: Places) -> Regression:
    """The regression that the data describes."""
    mistakes = Mistakes()
    schema = data.get("schema") if isinstance(data, dict) else None
    if schema != REGRESSION_SCHEMA:
        told = "has no schema" if schema is None else f"schema: '{schema}' is not read here"
        mistakes.add(places(("schema",)), f"{told}; a regression has {REGRESSION_SCHEMA}")
        mistakes.raise_if_any()
    keys = build(RegressionKeys, data, (), places, mistakes)
    laggards = laggards_of(data, places, mistakes)
    signature = _signature(data, places, mistakes)
    if not isinstance(data.get("plan", []), list):
        mistakes.add(places(("plan",)), "plan: allowed a list of faults")
    mistakes.raise_if_any()
    assert keys is not None  # or a mistake said why not
    return Regression(signature, keys.because, keys, laggards, places, places.file)


def _signature(data: Mapping[str, Plain], places: Places, mistakes: Mistakes) -> Signature:
    text = data.get("signature")
    try:
        return parse_signature(text) if isinstance(text, str) else Signature("")
    except ValueError as error:
        mistakes.add(places(("signature",)), f"signature: {error}")
        return Signature("")


# ---- judging --------------------------------------------------------------------------------------------------------
class Played(Protocol):
    """What judging needs of a run: of a result, or of its summary."""

    @property
    def checks(self) -> Mapping[str, int]: ...
    @property
    def missed_laggards(self) -> tuple[Identity, ...]: ...


class Standing(NamedTuple):
    """What became of a regression: the outcome, a sentence, and the other ways in which its run failed."""

    outcome: Outcome
    told: str
    others: tuple[Signature, ...] = ()


def standing_of(known: Regression, result: RunResult, case: Case, kit: Kit) -> Standing:
    """What became of it, by a whole run. One that came to no end says nothing."""
    if result.is_budget_exhausted:
        return Standing("no longer applies", "its run used up the event budget and came to no end")
    return standing(known, signatures(result, loss_limits(kit, case.scenario)), result)


def standing(known: Regression, shown: Sequence[Signature], run: Played) -> Standing:
    """What became of it, by how its run failed today (losses within the policy left out) and by what was judged.

    A clean run says *fixed* only where the law was in question and every laggard still occurred.
    """
    law = known.signature.law
    others = tuple(signature for signature in shown if signature != known.signature)
    if known.signature in shown:
        beside = ", ".join(dict.fromkeys(other.law for other in others))
        return Standing("still fails", "it fails as it did" + (f"; beside it {beside}" if others else ""), others)
    if others:
        return Standing("fails otherwise", f"it fails, but not as it did: {', '.join(map(str, others))}", others)
    if law not in run.checks:
        return Standing("no longer applies", f"law {law} is not in question there any more")
    if run.missed_laggards:
        gone = ", ".join(map(identity_text, run.missed_laggards))
        return Standing("no longer applies", f"{gone} does not occur any more, so nothing was late")
    return Standing("fixed", "it passes")
