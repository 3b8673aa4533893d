"""What makes a law short to write: a base that counts checks and collects findings, and three shapes of laws.

A law is a fold over events. Most are a few lines::

    class NoNegativeCount(Always):
        id = "T1"
        sentence = "a counter is never negative"
        source = "arithmetic"
        hears = (CounterStored,)

        def observe(self, event: Event) -> None:
            self.check(event, event.data.value >= 0, f"counter {event.data.name} is {event.data.value}")
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from drydock.harness.event import Event, Identity
from drydock.harness.port import Case, Finding, LawClass, LawMode

Lazy = str | Callable[[], str]


def _now(text: Lazy) -> str:
    return text if isinstance(text, str) else text()


class FoldLaw:
    """The base of a law. A subclass names itself, says what it hears, and folds.

    ``law_class`` is ``safety`` (one violation is a NO-GO), ``service`` (the policy gives a share of runs) or ``loss``
    (the policy gives an amount too). ``role`` is what its findings strike, where that is always the same. ``checks``
    counts what was really judged: zero over a whole bundle is vacuous.
    """

    id: str
    sentence: str
    source: str
    law_class: LawClass = "safety"
    mode: LawMode = "always"
    hears: tuple[type, ...] = ()
    role: str = ""

    def __init_subclass__(cls) -> None:
        """Raises ``TypeError`` for a law that would hear events and look at none: it could never fail."""
        super().__init_subclass__()
        if cls.hears and cls.observe is FoldLaw.observe:
            raise TypeError(f"law {cls.__name__} hears events and has no observe() that looks at them")

    def __init__(self) -> None:
        self._checks = 0
        self._findings: list[Finding] = []

    @property
    def checks(self) -> int:
        """How often this law had something to check in this run."""
        return self._checks

    @property
    def found(self) -> Sequence[Finding]:
        """What was found so far; :meth:`end` has it too."""
        return self._findings

    def applicable(self, case: Case) -> bool:
        """Whether this case can reach it at all; always, unless a subclass knows better."""
        return True

    def begin(self, truth: Any) -> None:
        """Takes the model's shadow truth; most laws need none."""

    def observe(self, event: Event) -> None:
        """Folds one event in. A law that hears anything overrides this."""

    def end(self) -> Sequence[Finding]:
        """What was found, in the order in which it was found."""
        return self._findings

    def count(self, checks: int = 1) -> None:
        """Notes that something was judged: for laws that look at whole arrays at once."""
        self._checks += checks

    def check(self, event: Event, holds: bool, detail: Lazy, *more: Identity, role: Lazy | None = None) -> bool:
        """Judges one thing: counts the check, keeps a finding where it does not hold, returns ``holds``.

        ``detail`` and ``role`` may be functions where they are dear to make. ``more`` are further events that carry it.
        """
        self._checks += 1
        if not holds:
            self.find(event.at_ms, _now(detail), event.identity, *more, role=_now(self.role if role is None else role))
        return holds

    def find(
        self, at_ms: int, detail: str, *events: Identity, amount_quantums: int = 0, role: str | None = None
    ) -> None:
        """Keeps a finding (a violation; for a goal a hit). ``amount_quantums`` is in 1e-6 USD, for the loss class.

        ``role`` is the kind of whom or what it struck (``person``, ``market``), never a name; default: the law's own.
        """
        self._findings.append(
            Finding(self.id, at_ms, detail, events, amount_quantums, self.role if role is None else role)
        )


class Always(FoldLaw):
    """Holds at every event that it hears."""

    mode: LawMode = "always"


class Eventually(FoldLaw):
    """Holds once the faults are healed and the world has settled; it judges in ``end``."""

    mode: LawMode = "eventually"


class Sometimes(FoldLaw):
    """A goal: some run has to reach it, or the rehearsal has shown too little."""

    mode: LawMode = "sometimes"

    def hit(self, event: Event, detail: str) -> None:
        """The goal is reached here."""
        self._checks += 1
        self.find(event.at_ms, detail, event.identity)


def always(
    id: str, sentence: str, *, source: str, hears: tuple[type, ...], law_class: LawClass = "safety"
) -> Callable[[Callable[[Any], str | None]], type[Always]]:
    """Decorator: a function from an event's data to what is wrong with it (or None) becomes a law class."""

    def make(judge: Callable[[Any], str | None]) -> type[Always]:
        class Judged(Always):
            def observe(self, event: Event) -> None:
                wrong = judge(event.data)
                self.check(event, wrong is None, wrong or "")

        Judged.__name__ = Judged.__qualname__ = judge.__name__
        Judged.__doc__, Judged.__module__ = judge.__doc__ or sentence, judge.__module__
        Judged.id, Judged.sentence, Judged.source, Judged.hears = id, sentence, source, hears
        Judged.law_class = law_class
        return Judged

    return make


def by_law(findings: Iterable[Finding]) -> Mapping[str, list[Finding]]:
    """The findings of each law, in their order; laws in the order in which they were first broken."""
    grouped: dict[str, list[Finding]] = {}
    for finding in findings:
        grouped.setdefault(finding.law, []).append(finding)
    return grouped


def capped(findings: Iterable[Finding], per_law: int) -> tuple[Finding, ...]:
    """At most ``per_law`` findings of each law, the earliest: a law that fails for each account stays readable."""
    kept = [law_findings[:per_law] for law_findings in by_law(findings).values()]
    return tuple(finding for law_findings in kept for finding in law_findings)
