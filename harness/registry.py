"""Finds kits, faults and laws: what is packaged, what other distributions offer, and what the user loads.

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

from drydock.harness.loaded_laws import canaries_of, is_law, kit_of_law, mistakes_in, with_laws
from drydock.harness.mistakes import BadFile, Mistake, did_you_mean
from drydock.harness.port import Fault, Kit, Law, LawClass

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
    """The kit of this name, with the laws that a user loaded for it.

    ``KeyError`` for an unknown one; an import that fails is raised as it is.
    """
    modules = [module for module in _loaded.values() if laws_in(module, name)]
    laws = [law for module in modules for law in laws_in(module, name)]
    ids = {law.id for law in laws}
    canaries = [canary for module in modules for canary in canaries_of(module) if canary.law in ids]
    return with_laws(_bare_kit(name), laws, canaries)


def _bare_kit(name: str) -> Kit:
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


# ---- laws -----------------------------------------------------------------------------------------------------------
def loaded_laws(kit_name: str) -> dict[str, LawClass]:
    """The laws that a user loaded for a kit, by id, with their class; a goal is none."""
    laws = (law for module in _loaded.values() for law in laws_in(module, kit_name))
    return {law.id: law.law_class for law in laws if law.mode != "sometimes"}


def laws_in(module: ModuleType, kit_name: str) -> list[type[Law]]:
    """The laws of a user's file that judge the scenarios of this kit."""
    return [law for law in _laws_of(module) if kit_of_law(law, DEFAULT_KIT) == kit_name]


def _laws_of(module: ModuleType) -> list[type[Law]]:
    """The laws of a user's file. Those of a file that brings a kit are the kit's affair, unless they name one."""
    laws = [offered for offered in _own_classes(module) if is_law(offered)]
    has_kit = any(_is_kit(offered) for offered in _own_classes(module))
    return [law for law in laws if hasattr(law, "kit")] if has_kit else laws


def _refuse_wrong_laws(module: ModuleType, shown_path: str) -> None:
    """Mistakes in laws; a kit's own ids are known by its canaries, for which no scenario is needed."""
    laws = _laws_of(module)
    if not laws:
        return
    taken = {law.id: _origin(law) for other in _loaded.values() for law in _laws_of(other)}
    mistakes = []
    for name in dict.fromkeys(kit_of_law(law, DEFAULT_KIT) for law in laws):
        if name in (known := {*kit_names(), *(kit.name for kit in _own_classes(module) if _is_kit(kit))}):
            if name in kit_names():
                taken |= {canary.law: f"kit {name}" for canary in _bare_kit(name).canaries()}
        else:
            mistakes.append(Mistake(shown_path, f"the kit '{name}' of a law is unknown; {did_you_mean(name, known)}"))
    mistakes += [Mistake(shown_path, told) for told in mistakes_in(module, laws, taken)]
    if mistakes:
        raise BadFile(mistakes)


# ---- what a user loads ----------------------------------------------------------------------------------------------
def load(path: str | Path) -> None:
    """Imports a user's file; its faults, laws and kits are found from then on. Loading it again changes nothing.

    The module's name follows from the path alone, so that a worker that loads the same file can unpickle its plans.
    Raises :exc:`~drydock.harness.mistakes.BadFile` where the file is missing, broken, or defines none.
    """
    file = Path(path).resolve()
    if str(file) in _loaded:
        return
    if file.suffix != ".py" or not file.is_file():
        raise BadFile([Mistake(str(path), "is no Python file; --load takes the .py file of your own faults or laws")])
    module = _imported(file, str(path))
    _refuse_empty(module, str(path))
    _refuse_taken_kinds(module, str(path))
    _refuse_incomplete(module, str(path))
    _refuse_wrong_laws(module, str(path))
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


def _refuse_empty(module: ModuleType, shown_path: str) -> None:
    own = _own_classes(module)
    if any(_is_kit(offered) or _is_fault(offered) or is_law(offered) for offered in own):
        return
    unfrozen = ", ".join(cls.__name__ for cls in own if hasattr(cls, "inject"))
    nameless = ", ".join(cls.__name__ for cls in own if hasattr(cls, "observe"))
    hint = f"; {unfrozen} must be a @dataclass(frozen=True) with a kind" if unfrozen else ""
    hint += f"; {nameless} must have an id" if nameless else ""
    raise BadFile([Mistake(shown_path, f"defines no fault, no law and no kit{hint}")])


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
