"""Laws of making typed data from plain data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Literal

import pytest
from hypothesis import given, strategies as st

from drydock.harness.mistakes import Mistakes
from drydock.harness.port import Range
from drydock.harness.typed import build, build_value, ranges_of, shapes_of, to_plain
from drydock.harness.units import In
from drydock.harness.yaml_file import parse_yaml


@dataclass(frozen=True, slots=True)
class Stop:
    kind: ClassVar[str] = "stop"
    grace_ms: int


@dataclass(frozen=True, slots=True)
class Wait:
    kind: Literal["wait"]
    wait_ms: Annotated[int, Range(0, 60_000)] = 0


@dataclass(frozen=True, slots=True)
class Venue:
    """A venue of every type there is."""

    name: str
    steps: tuple[Stop | Wait, ...]
    fee_ppm: Annotated[int, Range(-100, 1_000_000)] = 0
    usd_max: int = 0
    share: Annotated[int, In("ppm")] = 0
    mode: Literal["fast", "slow"] = "fast"
    is_open: bool = True
    least: int | None = None
    window_ms: tuple[int, int] = (0, 1)
    lags_ms: Mapping[str, int] | None = None
    extra: Any = None

    def __post_init__(self) -> None:
        if self.name == "taken":
            raise ValueError("the name is taken")


def made(cls: Any, text: str) -> tuple[Any, list[str]]:
    mistakes = Mistakes()
    data, places = parse_yaml(text, "f.yaml", mistakes)
    return build(cls, data, (), places, mistakes), sorted(str(mistake) for mistake in mistakes)


def mistakes_of(text: str) -> list[str]:
    venue, mistakes = made(Venue, text)
    assert venue is None
    return mistakes


VENUES = st.builds(
    Venue,
    name=st.sampled_from(["a", "b: c", "1"]),
    steps=st.lists(
        st.builds(Stop, st.integers(0, 10**9)) | st.builds(Wait, st.just("wait"), st.integers(0, 60_000)), max_size=3
    ).map(tuple),
    fee_ppm=st.integers(-100, 1_000_000),
    usd_max=st.integers(0, 10**15),
    share=st.integers(0, 10**6),
    mode=st.sampled_from(["fast", "slow"]),
    is_open=st.booleans(),
    least=st.none() | st.integers(),
    window_ms=st.tuples(st.integers(0, 9), st.integers(0, 9)),
    lags_ms=st.none() | st.dictionaries(st.sampled_from("xyz"), st.integers(0, 9)),
    extra=st.none() | st.just([1, {"a": "b"}]),
)


@given(VENUES)
def test_plain_data_of_an_instance_builds_an_equal_one(venue: Venue) -> None:
    """``to_plain`` and ``build`` are inverse, money, optional fields and unions included."""
    mistakes = Mistakes()
    assert venue == build(Venue, to_plain(venue), (), lambda path: "f", mistakes)
    assert 0 == len(mistakes)


def test_quantities_follow_the_unit_of_their_field() -> None:
    """By its name, through lists and mappings, or by its annotation."""
    text = "name: x\nsteps: [{kind: stop, grace_ms: 4s}]\nfee_ppm: -1bp\nusd_max: 5\nshare: 2%\nwindow_ms: [1s, 2s]\n"
    venue, mistakes = made(Venue, text + "lags_ms: {db: 1m}\n")
    assert [] == mistakes
    assert (Stop(4_000),) == venue.steps
    assert (-100, 5_000_000, 20_000) == (venue.fee_ppm, venue.usd_max, venue.share)
    assert ((1_000, 2_000), {"db": 60_000}) == (venue.window_ms, venue.lags_ms)


def test_all_mistakes_of_a_file_are_told_together_with_their_places() -> None:
    """Of keys at the key, of values at the value, of what is missing at its parent."""
    text = """\
mode: slwo
step: []
fee_ppm: 200%
is_open: yes
least: "3"
window_ms: [1s]
steps:
  - {kind: wait, wait_ms: -5}
  - {kind: stop}
  - {kind: stp, grace_ms: 1}
  - {grace_ms: 1}
  - 7
usd_max: -1
lags_ms: {db: 4 parsec}
"""
    duration = "a duration such as 250ms, 4s, 1h30m, or whole milliseconds"
    keys = "extra, fee_ppm, is_open, lags_ms, least, mode, name, share, steps, usd_max, window_ms"
    expected = [
        "f.yaml:1:1: the key 'name' is missing; it is a text",
        "f.yaml:1:7: mode: got 'slwo'; did you mean 'slow'? allowed: fast, slow",
        f"f.yaml:2:1: step: unknown key 'step'; did you mean 'steps'? allowed: {keys}",
        "f.yaml:3:10: fee_ppm: got '200%'; allowed -100 to 1000000 ppm",
        "f.yaml:4:10: is_open: got 'yes'; allowed true or false",
        "f.yaml:5:8: least: got '3'; allowed a whole number",
        "f.yaml:6:12: window_ms: got a list of 1; allowed a list of 2",
        "f.yaml:8:27: steps.0.wait_ms: got -5; allowed 0 to 60000 ms",
        f"f.yaml:9:5: steps.1: the key 'grace_ms' is missing; it is {duration}",
        "f.yaml:10:12: steps.2.kind: unknown kind 'stp'; did you mean 'stop'? allowed: stop, wait",
        "f.yaml:11:5: steps.3: got a mapping without a kind; allowed: stop, wait",
        "f.yaml:12:5: steps.4: got 7 without a kind; allowed: stop, wait",
        "f.yaml:13:10: usd_max: got -1; allowed 0 or more USD",
        f"f.yaml:14:15: lags_ms.db: '4 parsec' cannot be read; allowed: {duration}",
    ]
    assert sorted(expected) == mistakes_of(text)


@pytest.mark.parametrize("value", ["true", "'10'", "[1]", "{a: 1}", "null"])
def test_only_a_whole_number_is_a_number(value: str) -> None:
    """Neither a truth nor a text nor nothing becomes one."""
    mistakes = Mistakes()
    data, places = parse_yaml(value, "f.yaml", mistakes)
    assert build_value(int, data, (), places, mistakes) is None
    assert 1 == len(mistakes)


def test_a_class_that_refuses_its_values_is_a_mistake_too() -> None:
    """A ``ValueError`` of ``__post_init__`` is told at the place of the mapping."""
    assert ["f.yaml:1:1: the name is taken"] == mistakes_of("name: taken\nsteps: []\n")


def test_a_type_that_no_file_can_hold_is_an_error_of_its_author() -> None:
    """And so is a value that has no plain form."""
    with pytest.raises(TypeError, match="cannot be read from a file"):
        build_value(float, 1, ("x",), lambda path: "f", Mistakes())
    with pytest.raises(TypeError, match="float has no plain form"):
        to_plain(0.5)


def test_ranges_and_choices_of_a_class_are_known() -> None:
    """From them plans are drawn."""
    assert {"wait_ms": Range(0, 60_000)} == ranges_of(Wait)
    choices = {shape.name: shape.choices for shape in shapes_of(Venue) if shape.choices}
    assert {"mode": ("fast", "slow"), "is_open": (False, True)} == choices
