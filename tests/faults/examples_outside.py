"""Examples of the faults of what comes from outside and of messages."""

from __future__ import annotations

from drydock.faults.ack_lost import AckLost
from drydock.faults.message_delay import MessageDelay
from drydock.faults.message_duplicate import MessageDuplicate
from drydock.faults.message_loss import MessageLoss
from drydock.faults.message_reorder import MessageReorder
from drydock.faults.oracle_desync import OracleDesync
from drydock.faults.oracle_frozen import OracleFrozen
from drydock.faults.oracle_loss import OracleLoss
from drydock.faults.oracle_outlier import OracleOutlier
from drydock.faults.oracle_scale import OracleScale
from drydock.faults.oracle_zero import OracleZero
from drydock.faults.partition import Partition
from drydock.faults.partition_one_way import PartitionOneWay
from drydock.faults.swizzle import Swizzle
from tests.faults.example import AS_HAPPENED, Example

AT_LEAST_ONCE = (*AS_HAPPENED, "venue.messages.submit_resend_ms=1s", "venue.messages.intent_resend_ms=1s")

EXAMPLES = [
    Example(AckLost(step="resume", target="fills", share_ppm=1_000_000), AT_LEAST_ONCE),
    Example(MessageDelay(step="resume", target="prices", delay_ms=7_000)),
    Example(MessageDuplicate(step="resume", target="fills", share_ppm=1_000_000)),
    Example(MessageLoss(step="resume", target="fills", share_ppm=1_000_000)),
    Example(MessageReorder(step="resume", target="accruals", share_ppm=500_000)),
    Example(OracleDesync(step="resume", apart_ms=40_000)),
    Example(OracleFrozen(step="resume")),
    Example(OracleLoss(step="resume", target="spot-1")),
    Example(OracleOutlier(step="resume", target="spot-1", off_ppm=500_000)),
    Example(OracleScale(step="resume", target="spot-1")),
    Example(OracleZero(step="resume", target="spot-1")),
    Example(Partition(step="resume", target="chain|cloud")),
    Example(PartitionOneWay(step="resume", target="market_data>cloud")),
    Example(Swizzle(step="resume")),
]
