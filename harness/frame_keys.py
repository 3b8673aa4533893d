"""The keys that every scenario file may have, as a file has them; the harness's own form of them is in ``port.py``."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, Literal

from drydock.harness.port import Accepted, Range
from drydock.harness.units import In

FAULTS_MAX = 100


@dataclass(frozen=True, slots=True)
class ReportedKeys:
    """What happened, or what is feared most: one plan that is run under many seeds."""

    regime: str
    """the regime of the reported runs"""
    plan: Any = ()
    """the faults, a list; empty for the night without any"""


@dataclass(frozen=True, slots=True)
class SweepKeys:
    """The distribution of plans over the threats."""

    name: str
    """names the distribution in the claim"""
    faults: tuple[Annotated[int, Range(0, FAULTS_MAX)], Annotated[int, Range(0, FAULTS_MAX)]]
    """how many faults at once: [least, most]"""


@dataclass(frozen=True, slots=True)
class LimitKeys:
    """A limit on a service or a loss law."""

    law: str
    """the id of the law"""
    share_max: Annotated[int, In("ppm"), Range(0, 1_000_000)] = 0
    """the share of runs that may pass the limit"""
    usd_max: Annotated[int, Range(0, 10**18)] = 0
    """what one run may lose; for loss laws"""


@dataclass(frozen=True, slots=True)
class PolicyKeys:
    """What the owners of the venue decided beforehand."""

    level: Literal["smoke", "ci", "evening"] = "smoke"
    """how many runs: smoke 40, ci 400, evening 10,000"""
    limits: tuple[LimitKeys, ...] = ()
    """limits on service and loss laws; a safety law has none"""
    refunds: tuple[str, ...] = ()
    """the kinds of harm that are refunded"""
    least: Annotated[int, Range(1, 10**9)] | None = None
    """fewer runs than this are INCONCLUSIVE"""


@dataclass(frozen=True, slots=True)
class FrameKeys:
    """The keys that every scenario file may have."""

    name: str
    """the name of the scenario"""
    regimes: tuple[str, ...]
    """what the outside market does in the sweep, its seeds dealt evenly"""
    summary: str = ""
    """a sentence for the catalogue"""
    kit: str = "venue"
    """the model that plays it"""
    reported: ReportedKeys | None = None
    """what happened, or what is feared most"""
    threats: tuple[Any, ...] = ()
    """the design basis: kind, steps, targets, and narrower ranges of its fields"""
    sweep: SweepKeys | None = None
    """the distribution of plans over the threats"""
    policy: PolicyKeys = PolicyKeys()
    """what the owners decided beforehand"""
    accepted: tuple[Accepted, ...] = ()
    """risks taken knowingly"""


FRAME_KEYS = tuple(FrameKeys.__dataclass_fields__)
