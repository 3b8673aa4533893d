"""All laws and goals, in the order in which a verdict lists them."""

from __future__ import annotations

from collections.abc import Sequence

from drydock.harness.law import FoldLaw
from drydock.harness.port import Law
from drydock.models.invariants import (
    copies,
    detection,
    feeds,
    funding,
    gaps,
    goals,
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
    rollback,
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
    rollback.RollbackClosure,
    orders.OrderSurvival,
    replay.Commutes,
    orders.PostOnly,
    orders.CancelOnly,
    orders.BustAccounting,
    once.AskedFor,
    prices.Positive,
    prices.FreshAtUse,
    feeds.Jump,
    feeds.Skew,
    feeds.Quorum,
    marks.NearFair,
    marks.ThinBookIndependence,
    pairs.PairAtomicity,
    money.Cash,
    money.Positions,
    pools.Pools,
    money.Solvency,
    pools.UnbackedGain,
    once.SealedOnce,
    copies.SameAccounts,
    maintenance.WindowKept,
    pages.PagesConverge,
    pages.NoDefaults,
    detection.Detection,
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
