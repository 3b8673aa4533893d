"""Finds kits and faults: what is packaged, what other distributions offer, and what the user loads.

The harness imports nothing to its right: kits and faults are found by name. Packaged faults by listing their folder,
so that a new fault is one new file; kits by the entry-point group ``drydock.kits`` with the packaged one known even
in a bare checkout; a user's own by ``--load FILE.py``, and only so: scenario, plan and case files never name code.
"""

from __future__ import annotations

import importlib
import importlib.util
import pkgutil
import sys
from collections.abc import Iterator
from contextlib import redirect_stdout
from dataclasses import fields
from functools import cache
from hashlib import blake2b
from importlib.metadata import entry_points
from inspect import isclass
from pathlib import Path
from traceback import extract_tb
from types import ModuleType
from typing import Any, cast

from drydock.harness.mistakes import BadFile, Mistake
from drydock.harness.port import Fault, Kit

DEFAULT_KIT = "venue"
_PACKAGED_KITS = {DEFAULT_KIT: "drydock.models.kit:VenueKit"}
_PACKAGED_FAULTS = "drydock.faults"
_OF_A_FAULT = ("sentence", "keywords", "step", "offset_ms", "target", "targets", "applicable", "simpler")

_loaded: dict[str, ModuleType] = {}


# ---- kits -----------------------------------------------------------------------------------------------------------
def kit_names() -> tuple[str, ...]:
    """The names of all kits; imports none that is only installed."""
    return tuple(sorted({*_kit_references(), *_loaded_kits()}))


def kit(name: str) -> Kit:
    """The kit of this name. ``KeyError`` for an unknown one; an import that fails is raised as it is."""
    if name in (loaded_kits := _loaded_kits()):
        return loaded_kits[name]
    module, _, attribute = _kit_references()[name].partition(":")
    return _made(getattr(importlib.import_module(module), attribute))


def kits() -> dict[str, Kit]:
    """All kits by name."""
    return {name: kit(name) for name in kit_names()}


def _kit_references() -> dict[str, str]:
    return _PACKAGED_KITS | {point.name: point.value for point in entry_points(group="drydock.kits")}


def _loaded_kits() -> dict[str, Kit]:
    found = (offered for module in _loaded.values() for offered in _own_classes(module) if _is_kit(offered))
    return {offered.name: _made(offered) for offered in found}


def _made(offered: Any) -> Kit:
    return cast(Kit, offered() if isclass(offered) else offered)


# ---- faults ---------------------------------------------------------------------------------------------------------
def faults() -> dict[str, type[Fault]]:
    """All kinds of fault, by kind. ``ValueError`` where two claim one kind."""
    found: dict[str, type[Fault]] = {}
    for offered in _every_fault():
        if found.setdefault(offered.kind, offered) is not offered:
            taken = found[offered.kind]
            raise ValueError(f"the fault kind '{offered.kind}' is claimed by {_origin(taken)} and {_origin(offered)}")
    return dict(sorted(found.items()))


def _every_fault() -> Iterator[type[Fault]]:
    yield from _installed_faults()
    for module in _loaded.values():
        yield from _faults_of(module)


@cache
def _installed_faults() -> tuple[type[Fault], ...]:
    """Packaged and offered by other distributions: looked up once, because a sweep asks before each of its runs."""
    found = [*_faults_of_package(importlib.import_module(_PACKAGED_FAULTS))]
    for point in entry_points(group="drydock.faults"):
        offered = point.load()
        found += _faults_of_package(offered) if isinstance(offered, ModuleType) else (offered,)
    return tuple(found)


def _faults_of_package(package: ModuleType) -> Iterator[type[Fault]]:
    yield from _faults_of(package)
    for listed in pkgutil.iter_modules(getattr(package, "__path__", ())):
        yield from _faults_of(importlib.import_module(f"{package.__name__}.{listed.name}"))


def _faults_of(module: ModuleType) -> Iterator[type[Fault]]:
    return (offered for offered in _own_classes(module) if _is_fault(offered))


def _origin(cls: type) -> str:
    return f"{cls.__module__}.{cls.__qualname__}"


# ---- what a user loads ----------------------------------------------------------------------------------------------
def load(path: str | Path) -> None:
    """Imports a user's file; its faults and kits are found from then on. Loading it again changes nothing.

    The module's name follows from the path alone, so that a worker that loads the same file can unpickle its plans.
    Raises :exc:`~drydock.harness.mistakes.BadFile` where the file is missing, broken, or defines neither.
    """
    file = Path(path).resolve()
    if str(file) in _loaded:
        return
    if file.suffix != ".py" or not file.is_file():
        raise BadFile([Mistake(str(path), "is no Python file; --load takes the .py file of your own faults")])
    module = _imported(file, str(path))
    if not any(_is_kit(offered) or _is_fault(offered) for offered in _own_classes(module)):
        unfrozen = ", ".join(cls.__name__ for cls in _own_classes(module) if hasattr(cls, "inject"))
        hint = f"; {unfrozen} must be a @dataclass(frozen=True) with a kind" if unfrozen else ""
        raise BadFile([Mistake(str(path), f"defines no fault and no kit{hint}")])
    _refuse_taken_kinds(module, str(path))
    _refuse_incomplete(module, str(path))
    _loaded[str(file)] = module


def loaded() -> tuple[str, ...]:
    """The files that were loaded, in order: a worker process loads them again."""
    return tuple(_loaded)


def _imported(file: Path, shown_path: str) -> ModuleType:
    name = f"drydock_loaded_{file.stem}_{blake2b(str(file).encode(), digest_size=4).hexdigest()}"
    spec = importlib.util.spec_from_file_location(name, file)
    if spec is None or spec.loader is None:
        raise BadFile([Mistake(shown_path, "cannot be loaded as a Python module")])
    module = sys.modules[name] = importlib.util.module_from_spec(spec)
    try:
        with redirect_stdout(sys.stderr):  # stdout belongs to the answer, which may be JSON alone
            spec.loader.exec_module(module)
    except BaseException as error:
        del sys.modules[name]
        if not isinstance(error, Exception | SystemExit):
            raise
        place = f"{shown_path}:{_line_in(file, error)}:1"
        raise BadFile([Mistake(place, f"cannot be loaded: {type(error).__name__}: {error}")]) from error
    return module


def _line_in(file: Path, error: BaseException) -> int:
    if isinstance(error, SyntaxError) and error.filename == str(file):
        return error.lineno or 1
    lines = [frame.lineno for frame in extract_tb(error.__traceback__) if frame.filename == str(file)]
    return (lines[-1] if lines else 1) or 1


def _refuse_incomplete(module: ModuleType, shown_path: str) -> None:
    """A fault that lacks what the port asks for is told here, and not where it is first missed."""
    mistakes = []
    for offered in _faults_of(module):
        named = (*(field.name for field in fields(cast(Any, offered))), *dir(offered))
        missing = [name for name in _OF_A_FAULT if name not in named]
        if missing:
            mistakes.append(Mistake(shown_path, f"the fault {offered.__name__} lacks {', '.join(missing)}"))
    if mistakes:
        raise BadFile(mistakes)


def _refuse_taken_kinds(module: ModuleType, shown_path: str) -> None:
    known = faults()
    taken = [offered for offered in _faults_of(module) if offered.kind in known]
    if taken:
        message = "the fault kind '{}' is taken by {}; choose another kind"
        raise BadFile(Mistake(shown_path, message.format(cls.kind, _origin(known[cls.kind]))) for cls in taken)


def _own_classes(module: ModuleType) -> list[Any]:
    return [held for held in vars(module).values() if isclass(held) and held.__module__ == module.__name__]


def _is_fault(cls: Any) -> bool:
    params = getattr(cls, "__dataclass_params__", None)
    return bool(params and params.frozen and isinstance(getattr(cls, "kind", None), str) and hasattr(cls, "inject"))


def _is_kit(cls: Any) -> bool:
    return isinstance(getattr(cls, "name", None), str) and all(hasattr(cls, act) for act in ("parse", "world", "laws"))
