"""Words for a reader: numbers and lists as a sentence has them."""

from __future__ import annotations

import pytest

from drydock.harness.report.words import are, clip


@pytest.mark.parametrize(
    ("names", "told"),
    [
        (["a"], "a is"),
        (["a", "b"], "a and b are"),
        (["a", "b", "c"], "a, b and c are"),
        (["a", "b", "c", "d", "e"], "a, b, c and 2 more are"),
    ],
)
def test_a_sentence_begins_with_one_or_with_several(names: list[str], told: str) -> None:
    """Its verb is of their number, and of many the first stand for all."""
    assert told == are(names)


@pytest.mark.parametrize(("names", "told"), [([], ""), (["a", "b"], "a, b"), (["a", "b", "c"], "a, b and 1 more")])
def test_a_long_list_says_how_much_is_left_out(names: list[str], told: str) -> None:
    """A list that is cut never looks whole."""
    assert told == clip(names, 2)
