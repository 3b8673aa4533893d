"""What a run leaves behind: events with an identity and a cause."""

from __future__ import annotations

from inspect import get_annotations
from typing import Any, NamedTuple, Protocol, TypeVar, runtime_checkable

Identity = tuple[str, str, int]
"""(lane, kind, n-th of that lane and kind): names one event of a run for ever."""


def identity_text(identity: Identity | None) -> str:
    """``funding/ticker:index.published#3``; a dash for the root of a causal chain."""
    return "-" if identity is None else f"{identity[0]}:{identity[1]}#{identity[2]}"


def parse_identity(text: str) -> Identity:
    """The inverse of :func:`identity_text`; ``ValueError`` names what is wrong."""
    lane, colon, rest = text.rpartition(":")
    kind, hash_sign, nth = rest.partition("#")
    if not (lane and colon and kind and hash_sign and nth.isdigit()):
        raise ValueError(f"'{text}' is no identity; it reads lane:kind#n, e.g. funding/ticker:tick#3")
    return (lane, kind, int(nth))


@runtime_checkable
class Payload(Protocol):
    """The data of an event: a NamedTuple of integers, strings and integer arrays, marked with :func:`event`."""

    kind: str
    integers_only: bool
    is_harness_channel: bool


class Event(NamedTuple):
    """One thing that happened, at a whole millisecond of virtual time."""

    at_ms: int
    lane: str
    kind: str
    nth: int
    cause: Identity | None
    data: Any

    @property
    def identity(self) -> Identity:
        """The name of this event."""
        return (self.lane, self.kind, self.nth)


P = TypeVar("P", bound=type)


def event(kind: str, *, harness_channel: bool = False):  # type: ignore[no-untyped-def]
    """Class decorator: makes a NamedTuple the payload of events of this kind.

    Events on the harness channel (faults and their effects) are for readers; no digest covers them.
    """

    def mark(cls: P) -> P:
        hints = get_annotations(cls)
        cls.kind = kind  # type: ignore[attr-defined]
        cls.integers_only = all(h in ("int", int) for h in hints.values())  # type: ignore[attr-defined]
        cls.is_harness_channel = harness_channel  # type: ignore[attr-defined]
        return cls

    return mark
