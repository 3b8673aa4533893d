"""The port: what a model offers and what the harness does with it. Everything else is built on this page.

A *kit* brings a model to the harness. The harness parses nothing of a venue, knows no price and no runbook step; it
plays Cases, folds laws over events, and decides.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Protocol

from simpy.events import Event as SimpyEvent

from drydock.harness.database import OnDatabase
from drydock.harness.event import Event, Identity
from drydock.harness.seam import Seams
from drydock.harness.sim import Sim, Steps, Ties

if TYPE_CHECKING:
    from drydock.harness.charts import ChartFold

Plain = Any
"""JSON-able data: dict, list, str, int, bool or None. No float: money and ratios are integers in their unit."""

Where = Callable[[tuple[str | int, ...]], str]
"""``where(path)`` gives ``file:line:column`` of the value at that path of a file, as well as it is known."""

LawClass = Literal["safety", "service", "loss"]
LawMode = Literal["always", "eventually", "sometimes"]


# ---- data ---------------------------------------------------------------------------------------------------------
@dataclass(frozen=True, slots=True)
class Step:
    """One step of a runbook as the harness sees it. ``planned_ms`` counts from the start of the run."""

    name: str
    kind: str
    planned_ms: int
    duration_ms: int


@dataclass(frozen=True, slots=True)
class Switch:
    """A safeguard: a named switch with a value. ``path`` is its place in the scenario, as ``--set`` names it."""

    name: str
    path: str
    sentence: str
    value: Plain
    off: Plain
    on: Plain

    @property
    def is_on(self) -> bool:
        """Whether the scenario has this safeguard at work."""
        return bool(self.value != self.off)


@dataclass(frozen=True, slots=True)
class Threat:
    """One kind of fault of the design basis: where it may strike, and within which ranges (others keep theirs)."""

    kind: str
    steps: tuple[str, ...]
    targets: tuple[str, ...]
    ranges: Mapping[str, tuple[int, int]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Sweep:
    """The distribution of plans over the threats: how many faults at once, both ends included."""

    name: str
    faults_min: int
    faults_max: int


@dataclass(frozen=True, slots=True)
class Limit:
    """A policy's limit on a law: the share of runs that may pass it; for a loss law also the USD a run may lose."""

    law: str
    share_ppm_max: int = 0
    quantums_max: int = 0


@dataclass(frozen=True, slots=True)
class Policy:
    """What the owners of the venue decided beforehand."""

    level: Literal["smoke", "ci", "evening"] = "smoke"
    limits: tuple[Limit, ...] = ()
    refunds: tuple[str, ...] = ()
    least_runs: int | None = None


@dataclass(frozen=True, slots=True)
class Accepted:
    """A risk taken knowingly; after ``expires`` (ISO date) it accepts nothing.

    ``regression`` (an id) narrows it to what that one known failure shows: elsewhere the law decides as ever.
    """

    law: str
    reason: str
    owner: str
    expires: str
    regression: str = ""


@dataclass(frozen=True, slots=True)
class Scenario:
    """A venue, its runbook, and what is feared: the part the harness reads, and the kit's own typed part.

    ``data`` is the whole file as plain data after ``--set`` and defaults; ``hash`` is of that data. ``files`` names
    the CSV files it refers to, with their hash: they are never embedded. Where ``is_private``, they hold customer data,
    and what is written of its runs is readable by its owner alone.
    """

    name: str
    kit: str
    data: Plain
    hash: str
    regimes: tuple[str, ...]
    reported_regime: str
    reported: tuple[Fault, ...]
    threats: tuple[Threat, ...]
    sweep: Sweep
    policy: Policy
    accepted: tuple[Accepted, ...]
    venue: Any
    summary: str = ""
    files: Mapping[str, str] = field(default_factory=dict)
    folder: str = ""
    is_private: bool = False


@dataclass(frozen=True, slots=True)
class Case:
    """The complete cause of one run."""

    scenario: Scenario
    regime: str
    plan: tuple[Fault, ...]
    seed: int
    ties: Ties = Ties()


@dataclass(frozen=True, slots=True)
class Finding:
    """One violation of a law, or one hit of a goal (``sometimes``).

    ``detail`` is a plain sentence with the numbers; ``events`` are the identities that carry it;
    ``amount_quantums`` is the loss in 1e-6 USD, for laws of the loss class. ``role`` says whom or what it struck, by
    kind and not by name (``person``, ``maker``, ``market``): two failures of one law are told apart by it.
    """

    law: str
    at_ms: int
    detail: str
    events: tuple[Identity, ...] = ()
    amount_quantums: int = 0
    role: str = ""


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the ledger of harm, in exactly one kind; ``restored_quantums`` is what a rollback gave back."""

    account: int
    kind: str
    amount_quantums: int
    events: tuple[Identity, ...] = ()
    restored_quantums: int = 0


# ---- what a fault is ------------------------------------------------------------------------------------------------
class Fault(Protocol):
    """One thing that goes wrong: a frozen dataclass whose integer fields carry ranges (:class:`Range`).

    ``step`` and ``offset_ms`` anchor it to a runbook step, ``target`` names a role. ``inject`` runs as a process on a
    lane of its own: it waits for its moment and bends a seam inside a ``with``, so that whatever ends it also heals it.
    A class may have a ``floor`` (:class:`Floor`, or a tuple of them); one without has none. It may name the ``kit``
    whose scenarios it can strike, and is then not asked about those of others.
    """

    kind: ClassVar[str]
    sentence: ClassVar[str]
    keywords: ClassVar[tuple[str, ...]]

    @property
    def step(self) -> str: ...
    @property
    def offset_ms(self) -> int: ...
    @property
    def target(self) -> str: ...

    @classmethod
    def targets(cls, scenario: Scenario) -> Sequence[str]:
        """The roles of this scenario that this fault can strike; empty where it does not apply at all."""
        ...

    def applicable(self, scenario: Scenario) -> bool:
        """Whether its step and target exist there."""
        ...

    def inject(self, world: World) -> Steps:
        """Waits for its moment, bends, and heals."""
        ...

    def simpler(self) -> Iterable[Fault]:
        """Simpler variants of itself, simplest first, for shrinking."""
        ...


@dataclass(frozen=True, slots=True)
class Range:
    """The values a fault's field may take, both ends included; ``log`` draws orders of magnitude evenly."""

    low: int
    high: int
    log: bool = False


@dataclass(frozen=True, slots=True)
class Floor:
    """What a fault must leave: of the targets whose name begins with ``prefix``, at least ``least`` unstruck.

    A plan that goes below it tests a venue without that part, and proves nothing of this one.
    """

    prefix: str
    least: int


# ---- what a model is ------------------------------------------------------------------------------------------------
class Law(Protocol):
    """Always, eventually or sometimes something: a fold over events, folded while the run runs."""

    id: str
    sentence: str
    source: str
    law_class: LawClass
    mode: LawMode
    hears: tuple[type, ...]

    def applicable(self, case: Case) -> bool:
        """Whether this case can reach it at all; a goal that is not applicable is not missed."""
        ...

    def begin(self, truth: Any) -> None:
        """Called once, before the first event, with the model's shadow truth."""
        ...

    def observe(self, event: Event) -> None:
        """Called with every event whose data is one of ``hears``."""
        ...

    def end(self) -> Sequence[Finding]:
        """The violations; for a goal, the hits."""
        ...

    @property
    def checks(self) -> int:
        """How often it had something to check: zero means vacuous."""
        ...


class Ledger(Protocol):
    """The fold that prices harm."""

    hears: tuple[type, ...]

    def begin(self, truth: Any) -> None: ...
    def observe(self, event: Event) -> None: ...
    def end(self) -> Sequence[Entry]: ...


class World(Protocol):
    """The venue alive under a Sim.

    ``window_closed`` succeeds when the runbook is through (an incident's branch included); ``night_ms`` bounds the run
    where it never is; after the window the world settles for ``settle_ms``.
    """

    sim: Sim
    seams: Seams
    truth: Any
    window_closed: SimpyEvent
    night_ms: int
    settle_ms: int

    def start(self) -> None:
        """Starts every process of the venue. Called once, at time zero, before the faults are injected."""
        ...

    def until(self, step: str, offset_ms: int) -> SimpyEvent:
        """An event at that distance from the step: from its planned start if negative, else from its real start."""
        ...

    def close(self) -> None:
        """Gives back what it has outside of this process (servers). Called once, however the run ended."""
        ...


WorldMaker = Callable[[Case, Sim], World]


@dataclass(frozen=True, slots=True)
class Canary:
    """A wrong build that a law must catch, and beside it a right one that looks alike and must pass."""

    law: str
    sentence: str
    case: Callable[[int], Case]
    control: Callable[[int], Case]
    world: WorldMaker | None = None
    control_world: WorldMaker | None = None


@dataclass(frozen=True, slots=True)
class Rule:
    """A static check of a scenario, before anything runs."""

    id: str
    sentence: str
    check: Callable[[Scenario], Sequence[str]]


class Kit(OnDatabase, Protocol):
    """A model, offered to the harness. Found by the entry-point group ``drydock.kits`` or by ``--load``."""

    name: str

    def parse(self, data: Plain, where: Where) -> Scenario:
        """The scenario of a file's data. Raises :exc:`~drydock.harness.mistakes.BadFile` with all mistakes."""
        ...

    def scenarios(self) -> Mapping[str, str]:
        """Packaged scenarios: name to path of the YAML file."""
        ...

    def templates(self) -> Mapping[str, str]:
        """What ``drydock new`` writes: fault, law and scenario, each the path of a file named ``my_`` and the noun.

        Such a file works as it stands; its names (``my_fault``, ``MyFault``) are replaced. One that is left out cannot
        be written for this kit.
        """
        ...

    def schema(self) -> Plain:
        """JSON Schema of a scenario file."""
        ...

    def steps(self, scenario: Scenario) -> Sequence[Step]: ...
    def unplanned(self, scenario: Scenario) -> Sequence[Step]: ...  # of an incident's branch alone; times count from it
    def anchors(self, scenario: Scenario) -> Sequence[str]:
        """The steps to which a fault's time can be tied: those of the main branch, and of branches without a plan."""
        ...

    def switches(self, scenario: Scenario) -> Sequence[Switch]: ...
    def world(self, case: Case, sim: Sim) -> World: ...
    def laws(self, scenario: Scenario) -> Sequence[Law]: ...
    def ledger(self, scenario: Scenario) -> Ledger: ...
    def canaries(self) -> Sequence[Canary]: ...
    def rules(self) -> Sequence[Rule]: ...

    def edits(self, step: Step) -> Sequence[Plain]:
        """How an operator may get this step wrong (skip, delay, swap, repeat), as a plan file has faults."""
        ...

    def catalogue(self) -> Mapping[str, Sequence[tuple[str, str]]]:
        """More to list, by subject (steps, seams, markets): name and sentence."""
        ...

    def describe(self, event: Event, scenario: Scenario, *, in_full: bool = False) -> str | None:
        """A plain sentence for a timeline, or None for events that a reader does not need.

        ``in_full`` asks for more: also for what a timeline leaves out, but the story of a finding passes through.
        """
        ...

    def charts(self, scenario: Scenario) -> ChartFold:
        """What there is to draw of a run, as a fresh fold over its events."""
        ...

    def account_label(self, scenario: Scenario, account: int) -> str:
        """What an account is called where a reader meets it: its number, or the id that a file gave it."""
        ...

    def worth(self, world: World) -> Mapping[int, int]:
        """What each account that may be owed something is worth at the truth now (1e-6 USD), transfers undone."""
        ...

    def client_seam(self, scenario: Scenario) -> str | None:
        """The seam through which clients' messages pass; None for a model without clients."""
        ...
