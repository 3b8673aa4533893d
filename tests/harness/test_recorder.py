"""The recorder: what a digest covers and what it does not."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import pytest
from hypothesis import given, strategies as st

from drydock.harness.divergence import first_divergence
from drydock.harness.event import Event, event, identity_text, parse_identity
from drydock.harness.recorder import Recorder

PINNED = "90a9f5321c620e59c34cd34aa490f5db"


@event("priced")
class Priced(NamedTuple):
    """Integers only: the short way into the digest."""

    market: int
    price: int


@event("sealed")
class Sealed(NamedTuple):
    """Everything else that an event may hold."""

    name: str
    values: Any
    parts: tuple[Any, ...] = ()


@event("fault.noted", harness_channel=True)
class FaultNoted(NamedTuple):
    """On the harness channel."""

    number: int


def happened(data: Any, at_ms: int = 0, nth: int = 1, lane: str = "oracle") -> Event:
    """An event around this data."""
    return Event(at_ms, lane, data.kind, nth, None, data)


def digest_of(*events: Event) -> str:
    """The digest of a trace."""
    recorder = Recorder(keep=False)
    for one in events:
        recorder.record(one)
    return recorder.digest()


traces = st.lists(
    st.builds(
        lambda at_ms, lane, market, price: happened(Priced(market, price), at_ms, 1, lane),
        st.integers(0, 10**9),
        st.sampled_from(("oracle", "chain")),
        st.integers(-(2**62), 2**62),
        st.integers(-(2**62), 2**62),
    ),
    max_size=6,
)


@given(one=traces, other=traces)
def test_digests_are_equal_exactly_where_traces_are(one: list[Event], other: list[Event]) -> None:
    """Equal traces have equal digests, different ones different, and the first divergence agrees."""
    is_equal = digest_of(*one) == digest_of(*other)
    assert (one == other) == is_equal
    assert is_equal == (first_divergence(one, other) is None)


@pytest.mark.parametrize(
    "changed",
    [
        happened(Priced(1, 3)),
        happened(Priced(1, 2), at_ms=1),
        happened(Priced(1, 2), nth=2),
        happened(Priced(1, 2), lane="chain"),
        happened(Sealed("a", None)),
    ],
)
def test_every_part_of_an_event_is_covered(changed: Event) -> None:
    """Time, lane, kind, number and data: one change is another digest."""
    assert digest_of(happened(Priced(1, 2))) != digest_of(changed)


def test_the_harness_channel_is_not_covered() -> None:
    """What the harness notes about faults changes no digest, but a reader of the trace sees it."""
    quiet, noted = Recorder(keep=True), Recorder(keep=True)
    for recorder in (quiet, noted):
        recorder.record(happened(Priced(1, 2)))
    noted.record(happened(FaultNoted(1)))
    assert quiet.digest() == noted.digest()
    assert (1, 2) == (len(quiet.kept or ()), len(noted.kept or ()))


def test_causes_are_not_covered() -> None:
    """A cause explains an event; it is not part of what happened."""
    plain = happened(Priced(1, 2))
    assert digest_of(plain) == digest_of(plain._replace(cause=("a", "b", 1)))


def test_arrays_texts_and_nested_parts_are_covered() -> None:
    """Whatever an event may hold makes a difference where it differs."""
    variants = [
        Sealed("a", np.array([1, 2])),
        Sealed("b", np.array([1, 2])),
        Sealed("a", np.array([1, 3])),
        Sealed("a", np.array([1, 2, 0])),
        Sealed("a", None),
        Sealed("a", np.array([1, 2]), (1, ("x",))),
        Sealed("a", np.array([1, 2]), (1, ("y",))),
    ]
    assert len(variants) == len({digest_of(happened(variant)) for variant in variants})


def test_the_same_numbers_in_any_integer_type_are_the_same() -> None:
    """The width of an array is no part of what happened."""
    arrays = [np.array([1, 2], kind) for kind in (np.int64, np.int32, np.uint8)]
    assert 1 == len({digest_of(happened(Sealed("a", array))) for array in arrays})


def test_a_view_for_laws_is_not_covered() -> None:
    """It shows a world that the state root beside it stands for; neither digest nor divergence looks into it."""

    class View:
        is_view = True

    bare, seen = happened(Sealed("root", None)), happened(Sealed("root", View()))
    assert digest_of(seen) == digest_of(happened(Sealed("root", View())))
    assert first_divergence([bare], [seen]) is None


@pytest.mark.parametrize("value", [0.5, np.array([0.5]), {"a": 1}, [1]])
def test_what_is_no_integer_is_refused(value: Any) -> None:
    """Floats differ between processors; dictionaries and lists are no data of an event."""
    with pytest.raises(TypeError, match="an event holds integers, texts and integer arrays"):
        digest_of(happened(Sealed("a", value)))


def test_the_digest_is_pinned() -> None:
    """What a trace's digest is may never change silently: saved signatures would lie."""
    trace = [happened(Priced(1, 2)), happened(Sealed("a", np.array([1, 2]), (3, "x", None)), 7, 1, "chain")]
    assert PINNED == digest_of(*trace)


def test_the_first_divergence_names_both_events() -> None:
    """The index, and one line for each side; a trace that ended says so."""
    one = [happened(Priced(1, 2)), happened(Priced(1, 3), 5, 2)]
    assert "event 1: 5 ms oracle:priced#2 Priced(market=1, price=3) | (the trace ended)" == str(
        first_divergence(one, one[:1])
    )


@given(lane=st.text(min_size=1), nth=st.integers(1, 10**6))
def test_an_identity_survives_its_text(lane: str, nth: int) -> None:
    """``lane:kind#n`` reads back, whatever the lane is called."""
    identity = (lane, "tick", nth)
    assert identity == parse_identity(identity_text(identity))


@pytest.mark.parametrize("text", ["", "tick", "lane:tick", "lane:tick#x", ":tick#1", "lane:#1"])
def test_a_text_that_is_no_identity_is_refused(text: str) -> None:
    """The message shows how an identity reads."""
    with pytest.raises(ValueError, match="it reads lane:kind#n"):
        parse_identity(text)
