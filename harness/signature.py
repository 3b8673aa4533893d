"""Signatures: what makes two failures the same failure, whatever their numbers, times and names.

A law can be broken for many reasons, so its id is too little to shrink by: a shrinker that knows no more hands back
another failure than the one it was given. A signature says which law, where, and whom or what it struck.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple, Protocol

from drydock.harness.port import Finding, Kit, Scenario

_TEXT = re.compile(r"(?P<law>[^@()\s]+)(?:@(?P<component>[^@()\s]+))?(?:\((?P<role>[^@()]+)\))?")


class Signature(NamedTuple):
    """The law that was broken, the component that broke it, and the role of whom or what it struck.

    ``component`` and ``role`` are empty where the finding names no event, or strikes nobody in particular.
    """

    law: str
    component: str = ""
    role: str = ""

    def __str__(self) -> str:
        """``L1@liquidator/checker(person)``; what is empty is left out."""
        component = f"@{self.component}" if self.component else ""
        return f"{self.law}{component}" + (f"({self.role})" if self.role else "")


class HasFindings(Protocol):
    """What a run left: a ``RunResult``."""

    @property
    def findings(self) -> Sequence[Finding]: ...


def parse_signature(text: str) -> Signature:
    """The inverse of ``str``; ``ValueError`` says how a signature reads."""
    match = _TEXT.fullmatch(text)
    if match is None:
        raise ValueError(f"'{text}' is no signature; it reads LAW@component(role), e.g. L1@liquidator/checker(person)")
    return Signature(match["law"], match["component"] or "", match["role"] or "")


def component_of(lane: str) -> str:
    """A lane without its instance: ``client/17`` is ``client``, ``oracle/spot-2`` is ``oracle/spot``."""
    parts = (re.sub(r"^\d+:|(?:^|-)\d+$", "", part) for part in lane.split("/"))
    return "/".join(part for part in parts if part)


def signature_of(finding: Finding) -> Signature:
    """The signature of one finding. The finding's first event says which component it was."""
    lane = finding.events[0][0] if finding.events else ""
    return Signature(finding.law, component_of(lane), finding.role)


def signatures(result: HasFindings, losses_max: Mapping[str, int] | None = None) -> tuple[Signature, ...]:
    """The signatures of a run, each once, in the order in which they were found.

    ``losses_max`` (see :func:`loss_limits`) leaves out the loss laws that lost no more than they may.
    """
    within = _within(result.findings, losses_max or {})
    return tuple(dict.fromkeys(signature_of(finding) for finding in result.findings if finding.law not in within))


def loss_limits(kit: Kit, scenario: Scenario) -> dict[str, int]:
    """loss law -> what a run may lose by the scenario's policy, in 1e-6 USD; 0 where the policy says nothing."""
    allowed = {limit.law: limit.quantums_max for limit in scenario.policy.limits}
    return {law.id: allowed.get(law.id, 0) for law in kit.laws(scenario) if law.law_class == "loss"}


def _within(findings: Iterable[Finding], losses_max: Mapping[str, int]) -> set[str]:
    lost = dict.fromkeys(losses_max, 0)
    for finding in findings:
        if finding.law in lost:
            lost[finding.law] += finding.amount_quantums
    return {law for law, amount in lost.items() if amount <= losses_max[law]}
