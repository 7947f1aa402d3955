"""The only writer of feedback: presses in, judged and settled into hours, in one commit with a receipt each."""

from hymio.feedback import Receipt
from hymio.intake.record import record
from hymio.intake.recount import Difference, Rebuilt, rebuild, verify
from hymio.intake.resettling import release, resettle

__all__ = ["Difference", "Rebuilt", "Receipt", "rebuild", "record", "release", "resettle", "verify"]
