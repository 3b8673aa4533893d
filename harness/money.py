"""Distributions of money over runs, in whole 1e-6 USD."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from drydock.harness.port import Entry
from drydock.harness.result import Money

_BEYOND = 10  # a percentile is given where at least so many runs are expected beyond it


def distribution(amounts: Sequence[int], kinds: Sequence[Mapping[str, int]] = ()) -> Money:
    """Mean (rounded down), percentiles and maximum of one amount a run, in 1e-6 USD; zeros for no run.

    ``kinds`` holds each run's amounts by kind; ``by_kind`` is their mean over all runs (rounded down).
    """
    ordered = sorted(amounts)
    count = len(ordered)
    totals: dict[str, int] = {}
    for of_run in kinds:
        for kind, amount in of_run.items():
            totals[kind] = totals.get(kind, 0) + amount
    return Money(
        mean=sum(ordered) // count if count else 0,
        p50=percentile(ordered, 50),
        p95=percentile(ordered, 95),
        p99=percentile(ordered, 99),
        maximum=ordered[-1] if ordered else 0,
        by_kind={kind: totals[kind] // count for kind in sorted(totals)},
    )


def percentile(ordered: Sequence[int], percent: int) -> int | None:
    """The smallest value that ``percent`` of the values do not exceed; None where ``n (1 - q) < 10``."""
    count = len(ordered)
    if count * (100 - percent) < _BEYOND * 100:
        return None
    return ordered[-(-count * percent // 100) - 1]


def harm_by_kind(entries: Iterable[Entry]) -> dict[str, int]:
    """The harm of one run by kind, in 1e-6 USD, before anything was given back."""
    totals: dict[str, int] = {}
    for entry in entries:
        totals[entry.kind] = totals.get(entry.kind, 0) + entry.amount_quantums
    return totals


def restored(entries: Iterable[Entry]) -> int:
    """What rollbacks gave back of the harm of one run, in 1e-6 USD."""
    return sum(entry.restored_quantums for entry in entries)


def refunds(entries: Iterable[Entry], kinds: Sequence[str]) -> dict[tuple[int, str], int]:
    """(account, kind) -> what is owed, in 1e-6 USD, net of what a rollback restored; only amounts above zero.

    One account's gain pays no other account's loss, and one kind's gain no other kind's.
    """
    net: dict[tuple[int, str], int] = {}
    for entry in entries:
        if entry.kind in kinds:
            key = (entry.account, entry.kind)
            net[key] = net.get(key, 0) + entry.amount_quantums - entry.restored_quantums
    return {key: amount for key, amount in net.items() if amount > 0}
