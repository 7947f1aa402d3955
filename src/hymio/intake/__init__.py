"""The only writer of feedback: records uploads, and verifies, rebuilds and resettles what is stored."""

from hymio.feedback import Receipt
from hymio.intake.difference import Difference, Mend
from hymio.intake.erasing import Tally, erase, find
from hymio.intake.expiring import erase_expired
from hymio.intake.rebuilding import Rebuilt, rebuild
from hymio.intake.record import record
from hymio.intake.resettling import can_release, release, resettle
from hymio.intake.verifying import verify

__all__ = [
    "Difference",
    "Mend",
    "Rebuilt",
    "Receipt",
    "Tally",
    "can_release",
    "erase",
    "erase_expired",
    "find",
    "rebuild",
    "record",
    "release",
    "resettle",
    "verify",
]  # fmt: skip
