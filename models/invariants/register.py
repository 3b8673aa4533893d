"""All laws and goals, in the order in which a verdict lists them."""

from __future__ import annotations

from collections.abc import Sequence

from drydock.harness.law import FoldLaw
from drydock.harness.port import Law
from drydock.models.invariants import funding, goals, liquidation, maintenance, money, pages, prices

LAWS: tuple[type[FoldLaw], ...] = (
    funding.Continuity,
    funding.Completeness,
    funding.NoUnexplainedReset,
    funding.CopiesAgree,
    funding.AccountFundingStep,
    funding.FundingZeroSum,
    liquidation.Justified,
    liquidation.Gate,
    liquidation.Completion,
    maintenance.LoadBeforePublish,
    maintenance.ModeMatrix,
    maintenance.SnapshotRoundTrip,
    maintenance.ResumeGate,
    maintenance.RollbackClosure,
    prices.Positive,
    prices.FreshAtUse,
    money.Cash,
    money.Positions,
    money.Solvency,
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
