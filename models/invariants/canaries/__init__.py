"""A wrong build for every law, and beside it a right one that looks alike: a gate that cannot fail is no gate.

One file a subject, as the laws themselves. All of them play on the bench venue, without a fault: a canary is wrong in
one line or one setting, and is caught whatever the seed. Its control keeps everything else.
"""

from __future__ import annotations

from collections.abc import Sequence

from drydock.harness.port import Canary
from drydock.models.invariants.canaries import funding, liquidation, maintenance, money, pages, prices

_CANARIES: tuple[Canary, ...] = (
    *funding.CANARIES,
    *liquidation.CANARIES,
    *maintenance.CANARIES,
    *prices.CANARIES,
    *money.CANARIES,
    *maintenance.WINDOW,
    *pages.CANARIES,
)


def canaries() -> Sequence[Canary]:
    """One for each law, in the order of the laws."""
    return _CANARIES
