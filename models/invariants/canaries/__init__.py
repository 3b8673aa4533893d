"""A wrong build for every law, and beside it a right one that looks alike: a gate that cannot fail is no gate.

One file a subject, as the laws themselves. All of them play on the bench venue, without a fault: a canary is wrong in
one line or one setting, and is caught whatever the seed. Its control keeps everything else.
"""

from __future__ import annotations

from collections.abc import Sequence

from drydock.harness.port import Canary
from drydock.models.invariants.canaries import (
    copies,
    detection,
    feeds,
    funding,
    gaps,
    liquidation,
    maintenance,
    marks,
    money,
    once,
    orders,
    outcome,
    pages,
    pairs,
    pools,
    prices,
    replay,
)
from drydock.models.invariants.register import LAWS

_BY_SUBJECT: tuple[Canary, ...] = (
    *copies.CANARIES,
    *detection.CANARIES,
    *feeds.CANARIES,
    *funding.CANARIES,
    *gaps.CANARIES,
    *liquidation.CANARIES,
    *maintenance.CANARIES,
    *marks.CANARIES,
    *money.CANARIES,
    *once.CANARIES,
    *orders.CANARIES,
    *outcome.CANARIES,
    *pages.CANARIES,
    *pairs.CANARIES,
    *pools.CANARIES,
    *prices.CANARIES,
    *replay.CANARIES,
)
_ORDER = [law.id for law in LAWS]
_CANARIES = tuple(sorted(_BY_SUBJECT, key=lambda canary: _ORDER.index(canary.law)))


def canaries() -> Sequence[Canary]:
    """One for each law, in the order of the laws."""
    return _CANARIES
