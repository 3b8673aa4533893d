"""The corpus: every failure that was ever seen, a small file each, beside its scenario.

``drydock-corpus/<scenario name>/<id>.json`` lies in the scenario's own folder, and in the current one for a packaged
scenario: nothing is ever written where packages are installed.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from drydock.harness.event import Identity
from drydock.harness.mistakes import BadFile, Mistake, Mistakes
from drydock.harness.port import Kit, Plain, Scenario
from drydock.harness.private_file import put_text
from drydock.harness.regression import (
    NoLongerApplies,
    Regression,
    case_today,
    read_regression,
    regression_to_json,
    standing_of,
)
from drydock.harness.run import run_case
from drydock.harness.scenario import packaged_folders, packaged_scenarios
from drydock.harness.signature import component_of
from drydock.harness.yaml_file import read_plain

CORPUS = "drydock-corpus"
_SUFFIXES = (".yaml", ".yml", ".json")


class Saved(NamedTuple):
    """Where a regression is: ``is_new`` is False where the corpus knew this failure already."""

    file: str
    is_new: bool


def corpus_folder(scenario: Scenario) -> Path:
    """The folder of a scenario's regressions; it may not exist yet."""
    folder = Path(scenario.folder)
    home = Path(".") if folder in packaged_folders() else folder
    return home / CORPUS / _safe(scenario.name)


def read_corpus(scenario: Scenario) -> tuple[Regression, ...]:
    """The scenario's regressions, in the order of their files' names; none where there is no folder.

    Raises :exc:`~drydock.harness.mistakes.BadFile` with the mistakes of all files together.
    """
    mistakes, found = Mistakes(), []
    for file in _files(corpus_folder(scenario)):
        try:
            known = read_regression(file)
        except BadFile as bad:
            mistakes.extend(bad.mistakes)
            continue
        found.append(known)
        if known.keys.scenario != scenario.name:
            told = f"scenario: '{known.keys.scenario}' lies in the corpus of '{scenario.name}'"
            mistakes.add(known.places(("scenario",)), told)
    mistakes.raise_if_any()
    return tuple(found)


def save_regression(found: Regression, scenario: Scenario, kit: Kit) -> Saved:
    """Puts a failure into the scenario's corpus, unless it is known there.

    It is known where a regression of the same signature takes the same kinds of fault at the same steps and targets
    and the same kinds of laggards, and fails today as it did: numbers and seeds make no second failure. Raises
    :exc:`~drydock.harness.mistakes.BadFile` where the folder cannot be written.
    """
    for known in read_corpus(scenario):
        if shape_of(known) == shape_of(found) and (known.id == found.id or _still_fails(known, scenario, kit)):
            return Saved(known.file, is_new=False)
    file = corpus_folder(scenario) / f"{found.id}.json"
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        put_text(file, regression_to_json(found), is_private=scenario.is_private)
    except OSError as error:
        told = f"cannot be written: {error.strerror or error}; a corpus lies beside its scenario"
        raise BadFile([Mistake(str(file), told)]) from None
    return Saved(str(file), is_new=True)


def shape_of(known: Regression) -> tuple[object, ...]:
    """What two finds of one failure share: the signature, which faults strike where, and which events are late."""
    faults = [tuple(str(item.get(key, "")) for key in ("kind", "step", "target")) for item in known.keys.plan]
    return (known.signature, tuple(sorted(faults)), tuple(sorted(map(_kind_of, known.laggards))))


def scenario_of(known: Regression) -> str:
    """What finds the regression's scenario as a command's argument does: a file beside its corpus, or a packaged name.

    :exc:`~drydock.harness.regression.NoLongerApplies` where neither has that name.
    """
    name, home = known.keys.scenario, Path(known.file).parent.parent.parent
    for folder in dict.fromkeys((home, Path("."))):
        for file in _scenario_files(folder, name):
            return f"./{file}" if file.parent == Path(".") else str(file)
    if name in packaged_scenarios():
        return name
    raise NoLongerApplies(f"there is no scenario '{name}': none is packaged, and no file in {home} or here has it")


def _files(folder: Path) -> list[Path]:
    return sorted(folder.glob("*.json")) if folder.is_dir() else []


def _scenario_files(folder: Path, name: str) -> Iterator[Path]:
    """The files of a folder that say that this is their name; one that is called like it first."""
    if not folder.is_dir():
        return
    files = [file for file in folder.iterdir() if file.suffix in _SUFFIXES and file.is_file()]
    for file in sorted(files, key=lambda file: (file.stem != name, file.name)):
        data: Plain = read_plain(file, Mistakes())[0]
        if isinstance(data, dict) and data.get("name") == name:
            yield file


def _still_fails(known: Regression, scenario: Scenario, kit: Kit) -> bool:
    try:
        case = case_today(known, scenario, kit)
    except NoLongerApplies:
        return False
    result = run_case(case, kit)
    return not result.error and standing_of(known, result, case, kit).outcome == "still fails"


def _kind_of(laggard: Identity) -> tuple[str, str]:
    return component_of(laggard[0]), laggard[1]


def _safe(name: str) -> str:
    """A scenario's name as that of a folder: what a file system or a shell may take amiss becomes a dash."""
    return re.sub(r"[^\w.-]+", "-", name).strip(".-") or "scenario"


__all__ = ["Saved", "corpus_folder", "read_corpus", "save_regression", "scenario_of", "shape_of"]
