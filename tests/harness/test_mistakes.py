"""Laws of how mistakes are told."""

from __future__ import annotations

import pytest

from drydock.harness.mistakes import BadFile, Mistake, Mistakes, did_you_mean, split_place, together


def test_a_bad_file_tells_its_mistakes_in_order_of_position_not_of_discovery() -> None:
    """Lines and columns sort as numbers: 10 comes after 9."""
    found = [Mistake("a.yaml:10:2", "x: third"), Mistake("a.yaml:9:12", "x: second"), Mistake("a.yaml:9:3", "x: first")]
    told = str(BadFile(found)).splitlines()
    assert ["a.yaml:9:3: x: first", "a.yaml:9:12: x: second", "a.yaml:10:2: x: third"] == told


def test_a_bad_file_survives_being_rebuilt_from_its_args() -> None:
    """SimPy and process pools rebuild an exception as ``type(e)(*e.args)``; nothing may be lost."""
    error = BadFile([Mistake("a.yaml:1:1", "x: wrong")])
    assert error.mistakes == type(error)(*error.args).mistakes


def test_what_follows_from_a_mistake_is_not_told_at_its_place() -> None:
    """A place with a mistake is told of once; other places join in."""
    first = Mistakes()
    first.add("a.yaml:1:1", "cause")
    with pytest.raises(BadFile) as caught, together(first):
        raise BadFile([Mistake("a.yaml:1:1", "consequence"), Mistake("a.yaml:2:1", "another")])
    assert ("cause", "another") == tuple(mistake.message for mistake in caught.value.mistakes)


def test_an_unknown_name_is_answered_with_the_nearest_and_the_allowed() -> None:
    """Case does not matter for nearness; without a near name only the allowed are listed."""
    assert "did you mean 'Restart'? allowed: Crash, Restart" == did_you_mean("restrat", ["Restart", "Crash"])
    assert "allowed: Crash, Restart" == did_you_mean("zzz", ["Restart", "Crash"])
    assert "nothing is allowed here" == did_you_mean("zzz", [])


def test_a_long_list_of_allowed_names_is_cut_and_says_so() -> None:
    """117 markets help nobody."""
    assert did_you_mean("zzz", [f"M{n:03d}" for n in range(117)]).endswith("M015 and 101 more")


@pytest.mark.parametrize(
    ("place", "expected"),
    [("a.yaml:3:4", ("a.yaml", 3, 4)), ("--set a.b", ("--set a.b", 0, 0)), ("C:/a.yaml", ("C:/a.yaml", 0, 0))],
)
def test_a_place_without_line_and_column_is_still_a_place(place: str, expected: tuple[str, int, int]) -> None:
    """Settings and whole files have no position."""
    assert expected == split_place(place)
