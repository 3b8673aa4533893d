"""The story of a finding: what happened, in which order, and because of what, in a few plain sentences.

It is told backwards from the events that the finding names: along the causes that Sim recorded, and along what events
had read, which the kit knows. Nothing is inferred from nearness in time. Faults are told where operations met them; a
delay is no cause of what came too late, so a fault is a circumstance, told to have been at work. What is left out is
counted where it would stand.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from drydock.harness.event import Event, Identity
from drydock.harness.law import by_law
from drydock.harness.money import harm_by_kind
from drydock.harness.port import Case, Finding, Kit
from drydock.harness.report.words import place_text
from drydock.harness.result import RunResult
from drydock.harness.run import FaultInjected
from drydock.harness.signature import signature_of, signatures
from drydock.harness.told import Told, Touch, tell

TOLD_MAX = 12
"""So many events of a chain are told; of a longer one the middle is counted."""
_NAMED_MAX = 2
_LAGGARDS_MAX = 3
_PASSED_MAX = 2
_NUMBERS = re.compile(r"\d[\d.,:]*")


@dataclass(frozen=True, slots=True)
class Sentence:
    """One sentence of a story. ``more`` are events left out just before it; ``breaks`` are findings that it carries.
    ``identity`` is the event, or of a fault the one that commissioned the operation which met it.

    ``kind`` is ``event`` on the chain, ``fault`` where one was at work, ``race`` for two events of one instant.
    """

    at_ms: int
    text: str
    kind: Literal["event", "fault", "race"] = "event"
    step: str = ""
    lane: str = ""
    source: str = ""
    identity: Identity | None = None
    breaks: tuple[Finding, ...] = ()
    more: int = 0


@dataclass(frozen=True, slots=True)
class Story:
    """How one finding came about. ``harm`` is of the whole run: kind to 1e-6 USD. ``replay`` is a command line."""

    finding: Finding
    law_sentence: str
    sentences: tuple[Sentence, ...]
    harm: Mapping[str, int]
    accounts: int
    window_ms: int
    replay: str = ""
    chain: tuple[Identity, ...] = ()
    """every event that the finding came of, in order; the sentences tell some of them"""
    links: tuple[tuple[Identity, Identity], ...] = ()
    """(from, to) of events that are told: the second came of the first, maybe by way of others that are not told"""


def story_of(
    case: Case, kit: Kit, about: Finding | Sequence[str] | None = None, *, replay: str = "", told: Told | None = None
) -> Story | None:
    """The story of a finding, or of the first that has this signature (law, component, role), or of the worst.

    The case is played again with notes, unless ``told`` has them. None where the run breaks no such law.
    """
    told = told or tell(case, kit)
    if isinstance(about, Finding):
        finding: Finding | None = about
    else:
        found = told.result.findings
        finding = next((one for one in found if about and tuple(signature_of(one)) == tuple(about)), None)
        finding = worst_finding(told.result) if about is None else finding
    return None if finding is None else _Teller(told, kit, finding).story(replay)


def worst_finding(result: RunResult) -> Finding | None:
    """The first finding of the law whose findings are evidence of the most harm; without harm the first of all."""
    cited: dict[Identity, set[str]] = {}
    for finding in result.findings:
        for identity in finding.events:
            cited.setdefault(identity, set()).add(finding.law)
    harm = {finding.law: 0 for finding in result.findings}
    for entry in result.entries:
        for law in set().union(*(cited.get(identity, set()) for identity in entry.events)):
            harm[law] += entry.amount_quantums
    worst = max(harm, key=lambda law: harm[law], default="")
    return next((finding for finding in result.findings if finding.law == worst), None)


class _Teller:
    """One story under way."""

    def __init__(self, told: Told, kit: Kit, finding: Finding) -> None:
        self._told = told
        self._kit = kit
        self._finding = finding
        self._scenario = told.case.scenario
        self._by_id = {event.identity: event for event in told.events}
        self._order = {event.identity: number for number, event in enumerate(told.events)}
        self._steps = dict(steps_under_way(told))
        self._broken = _first_findings(told.result.findings, finding)
        self._named = finding.events[:_NAMED_MAX]

    def story(self, replay: str) -> Story:
        result, laws = self._told.result, {law.id: law for law in self._kit.laws(self._scenario)}
        chain = self._chain()
        events = list(self._events(chain))
        told = [*self._faults(chain), *self._races(), *events]
        return Story(
            finding=self._finding,
            law_sentence=laws[self._finding.law].sentence if self._finding.law in laws else "",
            sentences=tuple(sorted(told, key=self._place)),
            harm={kind: amount for kind, amount in harm_by_kind(result.entries).items() if amount},
            accounts=len({entry.account for entry in result.entries if entry.amount_quantums > 0}),
            window_ms=min((step.planned_ms for step in self._kit.steps(self._scenario)), default=0),
            replay=replay,
            chain=tuple(event.identity for event in chain),
            links=tuple(self._links({sentence.identity for sentence in events})),
        )

    def _place(self, sentence: Sentence) -> tuple[int, int]:
        """In order of time; a fault right behind the event whose operation met it."""
        behind = -1 if sentence.identity is None else self._order.get(sentence.identity, -1)
        return sentence.at_ms, 2 * behind + (sentence.kind == "fault")

    # ---- the chain -------------------------------------------------------------------------------------------
    def _chain(self) -> list[Event]:
        """The finding's events and all that they came of, in the order in which it happened."""
        waiting, found = [i for i in self._named if i in self._by_id], set[Identity]()
        while waiting:
            identity = waiting.pop()
            if identity not in found:
                found.add(identity)
                waiting += self._came_of(identity)
        return [event for event in self._told.events if event.identity in found]

    def _came_of(self, identity: Identity) -> list[Identity]:
        """Its cause and what it had read."""
        before = (self._by_id[identity].cause, *self._told.charts.reads.get(identity, ()))
        return [one for one in before if one is not None and one in self._by_id]

    def _links(self, told: Collection[Identity | None]) -> Iterator[tuple[Identity, Identity]]:
        """Each told event with the nearest told ones that it came of."""
        for identity in self._order:
            waiting, seen = self._came_of(identity) if identity in told else [], set[Identity]()
            while waiting:
                before = waiting.pop()
                if before in told:
                    yield before, identity
                elif before not in seen:
                    seen.add(before)
                    waiting += self._came_of(before)

    def _events(self, chain: Sequence[Event]) -> Iterator[Sentence]:
        """The sentences of a chain, shortened: what is cited and the root always, then the nearest to the finding."""
        texts = {event.identity: self._text(event) for event in chain}
        worth = [event for event in without_siblings(chain) if texts[event.identity]]
        begins = {span.since for span in self._told.charts.steps}
        worth = list(without_repeats(worth, texts, {*self._broken, *self._named, *begins}))
        kept = self._kept(worth)
        skipped = 0
        for event in chain:
            if event.identity not in kept:
                skipped += bool(texts[event.identity])
                continue
            yield Sentence(
                at_ms=event.at_ms,
                text=texts[event.identity],
                step=self._steps.get(event.identity, ""),
                lane=event.lane,
                source=self._told.sources.get(event.identity, ""),
                identity=event.identity,
                breaks=tuple(self._broken.get(event.identity, ())),
                more=skipped,
            )
            skipped = 0

    def _kept(self, worth: Sequence[Event]) -> set[Identity]:
        """What broke a law, the step in which that first happened, the root; then the nearest to the finding."""
        broke = [event for event in worth if event.identity in self._broken or event.identity in self._named]
        steps = {self._steps[event.identity] for event in broke[:1]}
        begins = [span.since for span in self._told.charts.steps if span.label in steps]
        order = [*broke[::-1], *(event for event in worth if event.identity in begins), *worth[:1], *worth[::-1]]
        return set(list(dict.fromkeys(event.identity for event in order))[:TOLD_MAX])

    def _text(self, event: Event) -> str:
        """The kit's sentence; for what the finding itself names, if need be, the bare event."""
        told = self._kit.describe(event, self._scenario, in_full=True)
        is_named = event.identity in self._broken or event.identity in self._named
        return told or (f"{event.kind} of {event.lane}" if is_named else "")

    # ---- circumstances ---------------------------------------------------------------------------------------
    def _faults(self, chain: Sequence[Event]) -> Iterator[Sentence]:
        """Each fault that was met, from where it first touched the chain; if it did not, that is said."""
        on_chain, lanes = {event.identity for event in chain}, self._components(chain)
        met: dict[str, list[Touch]] = {}
        for touch in self._told.touches:
            if touch.first_ms <= self._finding.at_ms:
                met.setdefault(touch.fault, []).append(touch)
        struck = {event.lane: event for event in self._told.events if isinstance(event.data, FaultInjected)}
        for lane, touches in met.items():
            near = [one for one in touches if one.cause in on_chain or _component(one.lane) in lanes]
            if lane in struck:
                is_near = bool(near) or _component(struck[lane].data.target) in lanes
                yield self._fault(struck[lane], near or touches, is_near=is_near)

    def _components(self, chain: Sequence[Event]) -> set[str]:
        """Whose events these are, and whose messages they were made of."""
        heard = self._told.charts.heard
        return {_component(event.lane) for event in chain}.union(*(heard.get(e.identity, ()) for e in chain))

    def _fault(self, struck: Event, touches: Sequence[Touch], *, is_near: bool) -> Sentence:
        data = struck.data
        count, first = sum(one.count for one in touches), min(touches, key=lambda one: one.first_ms)
        met = f"{count} operations meet it" if count > 1 else "one operation meets it"
        beside = "" if is_near else "; no recorded cause leads from it to what is told here"
        text = f"fault {data.fault} is at work on {data.target or 'all'}{place_text(data.at)}; {met}{beside}"
        at_ms = max(first.first_ms, struck.at_ms)
        return Sentence(at_ms, text, "fault", self._step_at(at_ms), struck.lane, identity=first.cause)

    def _races(self) -> Iterator[Sentence]:
        """Which two events of which instant changed places: a laggard, and whom it had to let pass for the failure."""
        from drydock.harness.explore.races import races

        wanted, ties = signature_of(self._finding), self._told.case.ties
        few = replace(self._told.case, ties=replace(ties, laggards=ties.laggards[:_LAGGARDS_MAX]))
        for race in races(few, self._kit, lambda result: wanted in signatures(result)):
            names = " and ".join(map(_occurrence, race.passed[:_PASSED_MAX]))
            more = f" and {len(race.passed) - _PASSED_MAX} more" if len(race.passed) > _PASSED_MAX else ""
            told = f"two events of one instant: {names}{more} is served before {_occurrence(race.late)}"
            text = f"{told}; first-in first-out would serve them the other way round"
            yield Sentence(race.at_ms, text, "race", self._step_at(race.at_ms), race.late[0])

    def _step_at(self, at_ms: int) -> str:
        begun = [span.label for span in self._told.charts.steps if span.since_ms <= at_ms]
        return begun[-1] if begun else ""


# ---- what is worth telling --------------------------------------------------------------------------------------
def without_siblings(chain: Sequence[Event]) -> Iterator[Event]:
    """A handler that emits the same of several lanes at once (``stopped``, ``stopped`` ...) links them by cause.

    Of such a row those stay whose own lane goes on in the chain; the others only stood beside it.
    """
    on_chain = {event.identity: event for event in chain}
    beside, goes_on = set[Identity](), set[Identity]()
    for event in chain:
        cause = on_chain.get(event.cause) if event.cause else None
        if cause is None:
            continue
        if cause.kind == event.kind and cause.at_ms == event.at_ms and cause.lane != event.lane:
            beside |= {cause.identity, event.identity}
        elif _component(cause.lane) == _component(event.lane):
            goes_on.add(cause.identity)
    yield from (event for event in chain if event.identity not in beside or event.identity in goes_on)


def without_repeats(
    worth: Sequence[Event], texts: Mapping[Identity, str], always: Collection[Identity | None]
) -> Iterator[Event]:
    """Of what a lane does again and again the first and the last, and what is told ``always``; nothing said twice.

    The same again is the same kind three times on end, or the same words with other numbers, whatever lies between.
    """
    lanes: dict[str, list[Event]] = {}
    for event in worth:
        lanes.setdefault(event.lane, []).append(event)
    inner = {
        event.identity
        for own in lanes.values()
        for before, event, after in zip(own, own[1:], own[2:], strict=False)
        if before.kind == event.kind == after.kind
    }
    alike: dict[tuple[str, str, str], list[Identity]] = {}
    for event in worth:
        alike.setdefault((event.lane, event.kind, _NUMBERS.sub("#", texts[event.identity])), []).append(event.identity)
    inner |= {identity for same in alike.values() for identity in same[1:-1]}
    said: dict[tuple[str, str], str] = {}
    for event in worth:
        is_said = said.get((event.lane, event.kind)) == texts[event.identity]
        said[event.lane, event.kind] = texts[event.identity]
        if event.identity in always or not (event.identity in inner or is_said):
            yield event


def steps_under_way(told: Told) -> Iterator[tuple[Identity, str]]:
    """(event, name of the runbook's step that had begun last before it)."""
    begins = {span.since: span.label for span in told.charts.steps if span.since is not None}
    step = ""
    for event in told.events:
        step = begins.get(event.identity, step)
        yield event.identity, step


def _first_findings(findings: Iterable[Finding], own: Finding) -> dict[Identity, list[Finding]]:
    """The events that broke a law first, each with those findings; of its own law the finding itself."""
    carried: dict[Identity, list[Finding]] = {}
    first = {law: found[0] for law, found in by_law(findings).items() if law != own.law}
    for finding in (own, *first.values()):
        for identity in finding.events[:1]:
            carried.setdefault(identity, []).append(finding)
    return carried


def _component(lane: str) -> str:
    return lane.partition("/")[0]


def _occurrence(identity: Identity) -> str:
    """``funding/ticker 'tick' #3``: as a laggard names it, for a sentence."""
    lane, kind, nth = identity
    return f"{lane} '{kind}' #{nth}"
