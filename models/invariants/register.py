"""All laws and goals, in the order in which a verdict lists them."""

from __future__ import annotations

from collections.abc import Sequence

from drydock.harness.law import FoldLaw
from drydock.harness.port import Law
from drydock.models.invariants import (
    feeds,
    funding,
    gaps,
    goals,
    liquidation,
    maintenance,
    money,
    outcome,
    pages,
    pools,
    prices,
    replay,
)

LAWS: tuple[type[FoldLaw], ...] = (
    funding.Continuity,
    funding.Completeness,
    funding.NoUnexplainedReset,
    funding.CopiesAgree,
    funding.AccountFundingStep,
    funding.FundingZeroSum,
    gaps.NoAccrualInPause,
    gaps.Schedule,
    gaps.CachedIndexSane,
    liquidation.Justified,
    outcome.Proportion,
    liquidation.Gate,
    liquidation.Completion,
    outcome.Outcome,
    outcome.Healthier,
    maintenance.LoadBeforePublish,
    maintenance.ModeMatrix,
    maintenance.SnapshotRoundTrip,
    maintenance.ResumeGate,
    maintenance.RollbackClosure,
    replay.Commutes,
    prices.Positive,
    prices.FreshAtUse,
    feeds.Jump,
    feeds.Skew,
    feeds.Quorum,
    money.Cash,
    money.Positions,
    pools.Pools,
    money.Solvency,
    pools.UnbackedGain,
    maintenance.WindowKept,
    pages.PagesConverge,
)
GOALS: tuple[type[FoldLaw], ...] = (
    goals.IndexTicksAfterRestart,
    goals.TradesAfterResume,
    goals.LiquidationInCrash,
    goals.SnapshotIsTaken,
    goals.DepositWhileClosed,
)


def make_laws() -> Sequence[Law]:
    """Every law and goal, fresh for one run."""
    return [law() for law in (*LAWS, *GOALS)]
