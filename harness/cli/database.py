"""``--database`` and ``--postgres``: on what a run stands, for every command that plays runs."""

from __future__ import annotations

import functools
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

import click

from drydock.harness.mistakes import did_you_mean

if TYPE_CHECKING:
    from drydock.harness.port import Case, Fault, Kit, Scenario

F = TypeVar("F", bound=Callable[..., Any])
POSTGRES = "postgres"
_AUTO = "auto"

Strikes = frozenset[tuple[str, str]]
"""Faults by (kind, target)."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What was asked for; ``database`` is None where nothing was."""

    database: str | None
    server: str | None

    def check(self, kit: Kit) -> None:
        """``UsageError`` for a database that this kit cannot stand on. Starts nothing."""
        if self.database is not None and self.database not in (known := kit.backends()):
            told = f"--database: kit {kit.name} has no database '{self.database}'"
            raise click.UsageError(f"{told}; {did_you_mean(self.database, known)}")

    @contextmanager
    def under(self, kit: Kit, scenario: Scenario, strikes: Strikes) -> Iterator[Kit]:
        """The kit on what was asked for.

        ``UsageError`` where the scenario, or a fault of such a (kind, target), needs more than that database can do.
        """
        if self.database is None:
            yield kit
            return
        self.check(kit)
        with kit.on(self.database, self.server or _AUTO) as standing:
            if lacks := standing.beyond(scenario, strikes):
                told = f"{scenario.name} needs {_listed(lacks)}, which is not asked of {standing.stands_on}"
                raise click.UsageError(f"--{POSTGRES}: {told}; take --{POSTGRES} {_AUTO}")
            yield standing


def database_options(command: F) -> F:
    """Decorator: adds both options and hands them over as one ``wanted`` argument."""

    @functools.wraps(command)
    def with_database(*args: Any, database: str | None, postgres: str | None, **kwargs: Any) -> Any:
        if postgres is not None and database != POSTGRES:
            raise click.UsageError(f"--{POSTGRES} says which PostgreSQL: it goes with --database {POSTGRES}")
        return command(*args, wanted=Wanted(database, postgres), **kwargs)

    for option in reversed(_OPTIONS):
        with_database = option(with_database)
    return with_database  # type: ignore[return-value]


_OPTIONS = (
    click.option("--database", metavar="simulated|postgres", help="What runs stand on; default: simulated."),
    click.option(
        f"--{POSTGRES}",
        metavar="auto|embedded|docker|system|URL",
        help="Which PostgreSQL; default: auto, which takes what there is and says so.",
    ),
)


def strikes_of(plan: Iterable[Fault]) -> Strikes:
    """What the faults of a plan strike."""
    return frozenset((fault.kind, fault.target) for fault in plan)


def strikes_of_rehearsal(scenario: Scenario, corpus: Collection[Case] = ()) -> Strikes:
    """What the reported plan, the threats and the known failures strike."""
    threats = frozenset((threat.kind, target) for threat in scenario.threats for target in threat.targets)
    return threats | strikes_of((*scenario.reported, *(fault for case in corpus for fault in case.plan)))


def _listed(parts: Sequence[str]) -> str:
    return ", ".join(parts[:-1]) + " and " + parts[-1] if len(parts) > 1 else parts[0]
