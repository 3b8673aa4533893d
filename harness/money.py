"""Distributions of money over runs, in whole 1e-6 USD."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from drydock.harness.event import Identity
from drydock.harness.port import Entry
from drydock.harness.result import Money, Refund

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


def refunds(entries: Iterable[Entry], kinds: Sequence[str]) -> tuple[Refund, ...]:
    """What is owed by account and kind, net of what a rollback restored; only amounts above zero, in order.

    One account's gain pays no other account's loss, and one kind's gain no other kind's.
    """
    net: dict[tuple[int, str], tuple[int, tuple[Identity, ...]]] = {}
    for entry in entries:
        if entry.kind in kinds:
            key = (entry.account, entry.kind)
            amount, events = net.get(key, (0, ()))
            net[key] = (amount + entry.amount_quantums - entry.restored_quantums, events + entry.events)
    return tuple(Refund(*key, *net[key]) for key in sorted(net) if net[key][0] > 0)


def owed_by_kind(owed: Iterable[Refund]) -> dict[str, int]:
    """The refunds of one run by kind, in 1e-6 USD."""
    totals: dict[str, int] = {}
    for refund in owed:
        totals[refund.kind] = totals.get(refund.kind, 0) + refund.amount_quantums
    return totals


def accounts_owed(owed: Iterable[Refund]) -> int:
    """How many accounts are owed something."""
    return len({refund.account for refund in owed})
