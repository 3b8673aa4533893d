"""Guards: the two seams at which what protects people may fail them, by not holding or by holding for nothing.

A gate is ignored where a service acts although the mode forbids it; a safeguard misfires where it acts although nothing
is wrong. Both are asked only where a fault is at work.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from drydock.harness.seam import Passage
from drydock.models.seams import new_seam

if TYPE_CHECKING:
    from drydock.models.venue import Action
    from drydock.models.world import VenueWorld

HONOUR, IGNORE = "honour", "ignore"
HOLD, FIRE = "hold", "fire"
"""Policies of these seams; the first of each line is the usual one."""


class Guards:
    """What a service, or a safeguard, does tonight instead of what it should."""

    def __init__(self, world: VenueWorld) -> None:
        self.gate = new_seam(world.seams, "mode.gate")
        self.safeguard = new_seam(world.seams, "safeguard.fire")

    def ignores(self, action: Action) -> bool:
        """Whether the service that does this does it although the mode forbids it. Asked where it does forbid it."""
        return bool(self.gate.bends) and self.gate.through(Passage(1, action, policy=HONOUR)).policy == IGNORE

    def misfires(self, safeguard: str) -> bool:
        """Whether a safeguard fires that has no reason to. Asked by safeguards that are switched on."""
        return bool(self.safeguard.bends) and self.safeguard.through(Passage(1, safeguard, policy=HOLD)).policy == FIRE
