"""What a kit stands on: the model's own database, or a real server; and what is said where that cannot be had.

A Case names no database: the same Case leaves the same Trace on each of them, and no digest knows which it was. What
was taken is told to the reader, and travels to workers as two words, for each process opens servers of its own.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from drydock.harness.port import Kit, Scenario

SIMULATED = "simulated"


class NoDatabase(Exception):
    """What was asked for cannot be had here; one sentence with what was looked for and what to do."""


class DatabaseFailed(Exception):
    """A server that was there failed; one sentence with its own words. No judgement of a scenario follows from it."""


@dataclass(frozen=True, slots=True)
class Database:
    """What a kit stands on.

    ``name`` is one of the kit's backends. Of a real one, ``server`` says which (``PostgreSQL 18.6``), ``choice`` what
    asks for just this one again (``embedded``), and ``why`` how it came to be taken, where nobody had named it. One
    that ``is_shared`` is somebody else's: a single process may use it.
    """

    name: str = SIMULATED
    server: str = ""
    choice: str = ""
    why: str = ""
    is_shared: bool = False

    def __str__(self) -> str:
        if not self.server:
            return self.name
        return f"{self.server}, {self.choice}" + (f" ({self.why})" if self.why else "")

    @property
    def is_real(self) -> bool:
        """Whether there is a server."""
        return bool(self.server)

    def plain(self) -> dict[str, str | None]:
        """As JSON has it."""
        texts = {"name": self.name, "server": self.server, "choice": self.choice, "why": self.why}
        return {key: text or None for key, text in texts.items()}

    @classmethod
    def from_plain(cls, plain: Mapping[str, Any]) -> Database:
        """From what :meth:`plain` gave; other keys are left alone."""
        name, server, choice, why = (plain.get(key) or "" for key in ("name", "server", "choice", "why"))
        return cls(name, server, choice, why)


class OnDatabase(Protocol):
    """The part of a :class:`~drydock.harness.port.Kit` that is about databases."""

    def backends(self) -> Sequence[str]:
        """The databases it can stand on; first the one on which it stands by itself, which costs nothing."""
        ...

    @property
    def stands_on(self) -> Database:
        """What it stands on."""
        ...

    def on(self, database: str, server: str = "") -> AbstractContextManager[Kit]:
        """This kit on one of its ``backends``; leaving the ``with`` leaves nothing running and nothing lying about.

        ``server`` says which of a kind, as ``--postgres`` has it. Raises :exc:`NoDatabase` for one that cannot be had,
        and :exc:`DatabaseFailed` for one that does not start.
        """
        ...

    def beyond(self, scenario: Scenario, strikes: Collection[tuple[str, str]]) -> Sequence[str]:
        """What of a scenario, and of faults of such (kind, target), its database cannot do; a few words each."""
        ...

    def found(self) -> Mapping[str, str]:
        """What would be taken of each real backend here and now, or why none can be; in words, and starts nothing."""
        ...


class ModelAlone:
    """For a kit that has no other database than its model's own."""

    @property
    def stands_on(self) -> Database:
        """Its own."""
        return Database()

    def backends(self) -> Sequence[str]:
        """Only its own."""
        return (SIMULATED,)

    def on(self, database: str, server: str = "") -> AbstractContextManager[Any]:
        """Itself: there is nothing to start."""
        return nullcontext(self)

    def beyond(self, scenario: Scenario, strikes: Collection[tuple[str, str]]) -> Sequence[str]:
        """A model can do everything that it has."""
        return ()

    def found(self) -> Mapping[str, str]:
        """No real one."""
        return {}
