"""Cases as JSON: the complete cause of a run, in a file that anyone can replay.

The scenario's data is embedded. Other files that it refers to (markets, price tapes: customer data) are named with
their hash and never embedded; whoever replays must have them, unchanged.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

from drydock.harness.event import Identity, identity_text, parse_identity
from drydock.harness.mistakes import Mistakes, did_you_mean, together
from drydock.harness.places import Places
from drydock.harness.plan import parse_plan, plan_to_plain
from drydock.harness.port import Case, Kit, Plain, Range, Scenario
from drydock.harness.scenario import file_hash, kit_of, packaged_folders
from drydock.harness.sim import Ties
from drydock.harness.typed import build
from drydock.harness.yaml_file import parse_json, read_plain

CASE_SCHEMA = "drydock.case/1"


@dataclass(frozen=True, slots=True)
class TiesKeys:
    """How same-instant events are ordered."""

    mode: Literal["seeded", "fifo"]
    laggards: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class CaseKeys:
    """The keys of a case file."""

    schema: Literal["drydock.case/1"]
    scenario: Any
    regime: str
    plan: Any
    seed: Annotated[int, Range(0, 2**64 - 1)]
    ties: TiesKeys
    files: Mapping[str, str]
    folder: str = "."


# ---- writing --------------------------------------------------------------------------------------------------------
def case_to_plain(case: Case) -> dict[str, Plain]:
    """The case as plain data."""
    return {
        "schema": CASE_SCHEMA,
        "scenario": case.scenario.data,
        "regime": case.regime,
        "plan": plan_to_plain(case.plan),
        "seed": case.seed,
        "ties": ties_to_plain(case.ties),
        "files": dict(case.scenario.files),
        "folder": _folder_hint(case.scenario),
    }


def ties_to_plain(ties: Ties) -> dict[str, Plain]:
    """The ties as plain data."""
    return {"mode": ties.mode, "laggards": [identity_text(laggard) for laggard in ties.laggards]}


def case_to_json(case: Case) -> str:
    """The case as a JSON text, keys sorted: equal cases have equal texts."""
    return json.dumps(case_to_plain(case), indent=2, sort_keys=True) + "\n"


def _folder_hint(scenario: Scenario) -> str:
    """Where the scenario lay, below the current folder.

    ``.`` for a packaged one, which is found by its kit, and for one elsewhere: no path of a machine is written.
    """
    relative = os.path.relpath(scenario.folder or ".")
    is_elsewhere = relative.startswith("..") or os.path.isabs(relative)
    return "." if is_elsewhere or Path(scenario.folder) in packaged_folders() else Path(relative).as_posix()


# ---- reading --------------------------------------------------------------------------------------------------------
def read_case(file: str | Path) -> Case:
    """The case of a file. Raises :exc:`~drydock.harness.mistakes.BadFile` with all its mistakes."""
    data, places = read_case_data(file)
    return case_from_plain(data, places)


def read_case_data(file: str | Path) -> tuple[Plain, Places]:
    """The data of a case file and the place of every value; ``BadFile`` for a file of another kind, in one sentence."""
    mistakes = Mistakes()
    data, places = read_plain(file, mistakes)
    if isinstance(data, dict):
        other = Mistakes()
        _refuse_other_schema(data, places, other)
        other.raise_if_any()
    mistakes.raise_if_any()
    return data, places


def case_from_json(text: str, file: str = "case", folder: Path | None = None) -> Case:
    """The case of a JSON text; ``file`` names it in mistakes, ``folder`` is where its files are looked for first."""
    mistakes = Mistakes()
    data, places = parse_json(text, file, mistakes, folder or Path("."))
    mistakes.raise_if_any()
    return case_from_plain(data, places)


def case_from_plain(data: Plain, places: Places) -> Case:
    """The case that the data describes; its scenario is parsed again by its kit, as a file of today would be."""
    mistakes = Mistakes()
    _refuse_other_schema(data, places, mistakes)
    mistakes.raise_if_any()
    keys = build(CaseKeys, data, (), places, mistakes)
    laggards = laggards_of(data, places, mistakes)
    if keys is None:
        mistakes.raise_if_any()
    assert keys is not None  # or a mistake said why not
    folder = _best_folder(keys.files, keys.folder, places)
    inside = places.below(("scenario",), folder)
    with together(mistakes):
        kit = kit_of(keys.scenario, inside)
        scenario = kit.parse(keys.scenario, inside)
        _check_files(keys.files, scenario, _folders(keys.folder, places), places, mistakes)
        mistakes.raise_if_any()
        return _case(keys, laggards, scenario, kit, places)


def _case(keys: CaseKeys, laggards: tuple[Identity, ...], scenario: Scenario, kit: Kit, places: Places) -> Case:
    mistakes = Mistakes()
    plan = parse_plan(keys.plan, ("plan",), places, mistakes, scenario, kit)
    if keys.regime not in scenario.regimes and keys.regime != scenario.reported_regime:
        known = (*scenario.regimes, scenario.reported_regime)
        mistakes.add(places(("regime",)), f"regime: unknown regime '{keys.regime}'; {did_you_mean(keys.regime, known)}")
    mistakes.raise_if_any()
    return Case(scenario, keys.regime, plan, keys.seed, Ties(keys.ties.mode, laggards))


def _refuse_other_schema(data: Plain, places: Places, mistakes: Mistakes) -> None:
    """A file of another kind gets one sentence, and not one for each key that differs."""
    schema = data.get("schema") if isinstance(data, dict) else None
    if schema is None:
        mistakes.add(places(()), f'is no case: it has no "schema": "{CASE_SCHEMA}"')
    elif schema != CASE_SCHEMA:
        mistakes.add(places(("schema",)), f"schema: '{schema}' is not read here; allowed: {CASE_SCHEMA}")


def laggards_of(data: Plain, places: Places, mistakes: Mistakes) -> tuple[Identity, ...]:
    """The laggards that a file's ``ties`` name; a mistake for each that is none, and for any with seeded ties."""
    ties = data.get("ties")
    texts = ties.get("laggards", []) if isinstance(ties, dict) else []
    found: list[Identity] = []
    for number, text in enumerate(texts if isinstance(texts, list) else []):
        try:
            found.append(parse_identity(str(text)))
        except ValueError as error:
            mistakes.add(places(("ties", "laggards", number)), f"ties.laggards.{number}: {error}")
    if texts and ties.get("mode") == "seeded":
        mistakes.add(places(("ties", "laggards")), "ties.laggards: laggards need mode fifo; seeded ties have none")
    return tuple(found)


# ---- the files that a case names ------------------------------------------------------------------------------------
def _best_folder(files: Mapping[str, str], hint: str, places: Places) -> Path:
    """The folder that has the most of the case's files, best unchanged; what it lacks the kit may have packaged."""
    if not files:
        return Path(hint)

    def at_hand(folder: Path) -> tuple[int, int]:
        states = [_state(folder / name, known) for name, known in files.items()]
        return states.count("same"), states.count("changed")  # what has changed is told as that, not as missing

    return max(_folders(hint, places), key=at_hand)


def _check_files(
    files: Mapping[str, str], scenario: Scenario, folders: list[Path], places: Places, mistakes: Mistakes
) -> None:
    """A mistake for each file that the scenario now reads with other contents, or does not find."""
    looked = ", ".join(dict.fromkeys(str(folder) for folder in folders[:3]))
    for name, known in files.items():
        found = scenario.files.get(name)
        if found == known:
            continue
        place = places.key(("files", name))
        if found is not None or any(_state(folder / name, known) == "changed" for folder in folders):
            mistakes.add(place, f"files: {name} has changed since the case was written (its hash was {known})")
        else:
            mistakes.add(place, f"files: {name} is missing; put it beside the case (looked in {looked})")


def _folders(hint: str, places: Places) -> list[Path]:
    """Where files are looked for: beside the case, where the scenario lay, here, among the packaged scenarios.

    Where the scenario lay is told from the folder of the command: this one, or that which has the cache with the case.
    """
    above_cache = places.folder / ".." / ".." / hint
    return [places.folder, Path(hint), places.folder / hint, above_cache, Path("."), *packaged_folders()]


def _state(file: Path, known: str) -> Literal["same", "changed", "missing"]:
    if not file.is_file():
        return "missing"
    return "same" if file_hash(file) == known else "changed"
