"""The named boot steps of every service, in their order: where a fault can strike a start."""

from __future__ import annotations

from collections.abc import Mapping

from drydock.harness.port import Scenario
from drydock.models.funding_engine import FundingEngine
from drydock.models.liquidator import Liquidator
from drydock.models.market_data import MarketData
from drydock.models.model import restarted_services
from drydock.models.pages import FrontPage, Page
from drydock.models.people import Gateway

BOOT_STEPS: Mapping[str, tuple[str, ...]] = {
    "market_data": MarketData.boot_steps,
    "funding": FundingEngine.boot_steps,
    "liquidator": Liquidator.boot_steps,
    "portfolio": Page.boot_steps,
    "vault": Page.boot_steps,
    "front_page": FrontPage.boot_steps,
    "gateway": Gateway.boot_steps,
}


def boot_places(scenario: Scenario) -> tuple[str, ...]:
    """``service/step`` for each boot step of each service that the runbook starts."""
    return tuple(f"{name}/{step}" for name in restarted_services(scenario) for step in BOOT_STEPS[name])


def early_places(scenario: Scenario) -> tuple[str, ...]:
    """:func:`boot_places` after which more is to come: who is taken for ready there is so too early."""
    return tuple(f"{name}/{step}" for name in restarted_services(scenario) for step in BOOT_STEPS[name][:-1])
