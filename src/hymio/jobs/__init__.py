"""Background work of the server: a table of periodic jobs, and the outbox; each Hymio process runs both.

A new job is a function `(Run) -> str` and a line in `table.JOBS`; a new kind of outbox row is a function
`(Delivery) -> str` and a line in `table.HANDLERS`.
"""

from hymio.jobs.delivery import Delivery, Handler, Refused, TryAgain
from hymio.jobs.run import Environment, Job, Run, Stopping
from hymio.jobs.runner import STOP_SECONDS, Runner
from hymio.jobs.table import CONNECTIONS, HANDLERS, JOBS, periodic_jobs

__all__ = [
    "CONNECTIONS",
    "HANDLERS",
    "JOBS",
    "STOP_SECONDS",
    "Delivery",
    "Environment",
    "Handler",
    "Job",
    "Refused",
    "Run",
    "Runner",
    "Stopping",
    "TryAgain",
    "periodic_jobs",
]
