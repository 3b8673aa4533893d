"""Delta debugging by itself, on numbers."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from hypothesis import given, strategies as st

from drydock.harness.shrink.minimal import First, minimal

_PARTS = st.integers(0, 40)
_CLAUSES = st.lists(st.frozensets(st.integers(0, 39), max_size=4), min_size=1, max_size=4)


def _first(fails: Callable[[frozenset[int]], bool], asked: list[frozenset[int]]) -> First[int]:
    def first(candidates: Iterable[tuple[int, ...]]) -> int | None:
        for number, candidate in enumerate(candidates):
            asked.append(frozenset(candidate))
            if fails(frozenset(candidate)):
                return number
        return None

    return first


@given(size=_PARTS, clauses=_CLAUSES)
def test_for_whatever_fails_the_more_the_worse_the_rest_is_1_minimal(size: int, clauses: list[frozenset[int]]) -> None:
    """A failure that more parts never cure: what is left fails, and without any single part it passes."""
    parts = tuple(range(size))
    clauses = [frozenset(n for n in clause if n < size) for clause in clauses]

    def fails(kept: frozenset[int]) -> bool:
        return any(clause <= kept for clause in clauses)

    left = minimal(parts, _first(fails, []))

    assert fails(frozenset(left))
    assert [] == [part for part in left if fails(frozenset(left) - {part})]
    assert sorted(left) == list(left)


@given(size=_PARTS, truth=st.randoms(use_true_random=False))
def test_for_a_failure_without_any_rule_the_rest_is_1_minimal_too(size: int, truth: object) -> None:
    """Where leaving out one part cures and leaving out two does not, there is still no single part too many."""
    known: dict[frozenset[int], bool] = {frozenset(range(size)): True}

    def fails(kept: frozenset[int]) -> bool:
        return known.setdefault(kept, truth.random() < 0.3)  # type: ignore[attr-defined]

    left = minimal(tuple(range(size)), _first(fails, []))

    assert fails(frozenset(left))
    assert [] == [part for part in left if fails(frozenset(left) - {part})]


def test_one_part_among_thousands_is_found_in_a_few_dozen_questions() -> None:
    """A seeded order has thousands of laggards, and the race is one of them."""
    asked: list[frozenset[int]] = []

    assert (1_234,) == minimal(range(4_000), _first(lambda kept: 1_234 in kept, asked))
    assert len(asked) < 40


def test_where_nothing_is_needed_one_question_is_enough() -> None:
    """A venue that is broken without any fault."""
    asked: list[frozenset[int]] = []

    assert minimal(range(100), _first(lambda kept: True, asked)) == ()
    assert [frozenset()] == asked
