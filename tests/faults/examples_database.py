"""Examples of the faults of the database and of what is restored from it."""

from __future__ import annotations

from drydock.faults.commit_in_doubt import CommitInDoubt
from drydock.faults.crash_before_commit import CrashBeforeCommit
from drydock.faults.failover import Failover
from drydock.faults.genesis_restore import GenesisRestore
from drydock.faults.held_rows import HeldRows
from drydock.faults.late_write import LateWrite
from drydock.faults.lost_tail import LostTail
from drydock.faults.lost_write import LostWrite
from drydock.faults.missing_field import MissingField
from drydock.faults.partial_copy import PartialCopy
from drydock.faults.replica_switch import ReplicaSwitch
from tests.faults.example import Example

EXAMPLES = [
    Example(CommitInDoubt(step="resume", offset_ms=1_000)),
    Example(CrashBeforeCommit(step="resume", offset_ms=1_000)),
    Example(Failover(step="resume", offset_ms=1_000)),
    Example(GenesisRestore(step="start-services")),
    Example(HeldRows(step="resume")),
    Example(LateWrite(step="resume", delay_ms=30_000)),
    Example(LostTail(step="maintenance", lost_ms=60_000)),
    Example(LostWrite(step="resume")),
    Example(MissingField(step="start-services")),
    Example(PartialCopy(step="scale-up")),
    Example(ReplicaSwitch(step="start-services", target="vault")),
]
