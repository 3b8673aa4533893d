"""Numbers as a reader wants them: rounded for the eye, never for a machine (that is what JSON is for)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from drydock.harness.units import QUANTUMS_PER_USD

_WHOLE_USD_FROM = 1_000 * QUANTUMS_PER_USD


def usd(amount_quantums: int | None) -> str:
    """``12,346`` from a thousand USD on, ``999.50`` below (half away from zero); a dash where there is no figure."""
    if amount_quantums is None:
        return "-"
    sign, amount = "-" if amount_quantums < 0 else "", abs(amount_quantums)
    if amount >= _WHOLE_USD_FROM:
        return f"{sign}{(amount + QUANTUMS_PER_USD // 2) // QUANTUMS_PER_USD:,}"
    cents = (amount + QUANTUMS_PER_USD // 200) // (QUANTUMS_PER_USD // 100)
    return f"{sign}{cents // 100}.{cents % 100:02d}"


def kinds_text(by_kind: Mapping[str, int]) -> str:
    """``liquidation 1,234 · funding 56.00``: amounts of 1e-6 USD, the largest first; zeros are left out."""
    ordered = sorted(by_kind.items(), key=lambda item: (-item[1], item[0]))
    return " · ".join(f"{kind} {usd(amount)}" for kind, amount in ordered if amount)


def count(number: int, noun: str, plural: str = "") -> str:
    """``1 run``, ``2 runs``, ``1,200 runs``."""
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"


def clip(names: list[str], most: int) -> str:
    """The first names with commas, and how many more there are."""
    shown = ", ".join(names[:most])
    return shown if len(names) <= most else f"{shown} and {len(names) - most} more"


def are(names: Sequence[str], most: int = 3) -> str:
    """``a is``, ``a and b are``, ``a, b, c and 2 more are``: what a sentence begins with."""
    shown = list(names[:most]) + ([f"{len(names) - most} more"] if len(names) > most else [])
    listed = " and ".join(filter(None, [", ".join(shown[:-1]), *shown[-1:]]))
    return f"{listed} {'is' if len(names) == 1 else 'are'}"


def place_text(at: str) -> str:
    """Where a fault is at work: ``, at funding.read`` of a seam; of what bends none, the deed: ``: kill funding``."""
    return f", at {at}" if " " not in at else f": {at}"
