"""What happens around operators, safeguards and artefacts, as events."""

from __future__ import annotations

from typing import NamedTuple

from drydock.harness.event import event


@event("gate.unready", harness_channel=True)
class GateUnready(NamedTuple):
    """A verify step asks its gates for the first time, and these do not hold: names, separated by blanks.

    For readers and for laws of detection. It is the absence of an event of the venue, so no digest covers it.
    """

    step: str
    gates: str


@event("artefact.refused")
class ArtefactRefused(NamedTuple):
    """A booting service finds more entries in the market parameters than it takes, and does what its venue says."""

    service: str
    entries: int
    entries_max: int
    did: str
