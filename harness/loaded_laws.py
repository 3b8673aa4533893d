"""Laws of a user's own file: what counts as one, what is wrong with it, and a kit that judges by them too.

A law of one's own is a class with what the port asks of a law. It is made for the scenarios of the packaged kit, unless
its ``kit`` names another. ``CANARIES`` of the same file are its wrong builds: a law that has none leaves every verdict
INCONCLUSIVE.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from inspect import isabstract, isclass
from types import ModuleType
from typing import Any, cast, get_args

from drydock.harness.mistakes import BadFile, Mistake, did_you_mean
from drydock.harness.port import Canary, Kit, Law, LawClass, LawMode, Scenario

CANARIES = "CANARIES"
_ID = re.compile(r"[A-Za-z]\w*")
_OF_A_LAW = (
    "id",
    "sentence",
    "source",
    "law_class",
    "mode",
    "hears",
    "applicable",
    "begin",
    "observe",
    "end",
    "checks",
)


def is_law(offered: Any) -> bool:
    """Whether a class of a user's file is meant as a law: it has an id, and observes."""
    return isclass(offered) and isinstance(getattr(offered, "id", None), str) and hasattr(offered, "observe")


def kit_of_law(law: type[Law], default: str) -> str:
    """The kit whose scenarios it judges."""
    return str(getattr(law, "kit", default))


def canaries_of(module: ModuleType) -> tuple[Canary, ...]:
    """The canaries that a user's file brings."""
    return tuple(getattr(module, CANARIES, ()))


def mistakes_in(module: ModuleType, laws: Sequence[type[Law]], taken: Mapping[str, str]) -> Iterator[str]:
    """What is wrong with a file's laws and canaries. ``taken`` are the ids that exist, each with whose it is."""
    known = dict(taken)
    for law in laws:
        missing = [name for name in _OF_A_LAW if not hasattr(law, name)]
        if missing:
            yield f"the law {law.__name__} lacks {', '.join(missing)}"
        elif isabstract(law) or not callable(law.end):
            yield f"the law {law.__name__} cannot be made: it is abstract"
        else:
            yield from _wrong_words(law)
        if law.id in known:
            yield f"the law id '{law.id}' is taken by {known[law.id]}; choose another id"
        known[law.id] = law.__qualname__
    yield from _wrong_canaries(module, [law.id for law in laws])


def _wrong_words(law: type[Law]) -> Iterator[str]:
    if not _ID.fullmatch(law.id):
        yield f"the law {law.__name__} has the id '{law.id}'; allowed: letters, digits and _, a letter first"
    for name, hint in (("law_class", LawClass), ("mode", LawMode)):
        if (given := getattr(law, name)) not in get_args(hint):
            tail = did_you_mean(str(given), get_args(hint))
            yield f"the law {law.__name__}: {name}: '{given}' is not allowed; {tail}"
    if not isinstance(law.hears, tuple) or not law.hears or not all(map(isclass, law.hears)):
        yield f"the law {law.__name__}: hears must be a tuple of event classes, such as (ModeChanged,)"


def _wrong_canaries(module: ModuleType, ids: Sequence[str]) -> Iterator[str]:
    given = getattr(module, CANARIES, ())
    if not isinstance(given, tuple | list) or not all(isinstance(item, Canary) for item in given):
        yield f"{CANARIES} must be a tuple of Canary"
        return
    for canary in given:
        if canary.law not in ids:
            yield f"{CANARIES}: there is no law '{canary.law}' in this file; {did_you_mean(canary.law, ids)}"


class KitWithLaws:
    """A kit that judges by the laws of the user's files too; all else is the kit's own."""

    def __init__(self, kit: Kit, laws: Iterable[type[Law]], canaries: Iterable[Canary]) -> None:
        self._kit = kit
        self._laws = tuple(laws)
        self._canaries = tuple(canaries)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)  # of a copy that is not made yet
        return getattr(self._kit, name)

    def laws(self, scenario: Scenario) -> Sequence[Law]:
        """The kit's laws, then the user's, fresh. ``BadFile`` where two have one id."""
        own = list(self._kit.laws(scenario))
        taken = {law.id for law in own} & {law.id for law in self._laws}
        if taken:
            told = f"the law id is taken by kit {self._kit.name}; choose another id"
            raise BadFile(Mistake(law_id, told) for law_id in sorted(taken))
        return [*own, *(law() for law in self._laws)]

    @contextmanager
    def on(self, database: str, server: str = "") -> Iterator[Kit]:
        """The kit on that database, with the user's laws."""
        with self._kit.on(database, server) as kit:
            yield cast(Kit, KitWithLaws(kit, self._laws, self._canaries))

    def canaries(self) -> Sequence[Canary]:
        """The kit's canaries, then the user's."""
        return [*self._kit.canaries(), *self._canaries]


def with_laws(kit: Kit, laws: Sequence[type[Law]], canaries: Sequence[Canary]) -> Kit:
    """The kit itself where the user has no law for it."""
    return cast(Kit, KitWithLaws(kit, laws, canaries)) if laws else kit
