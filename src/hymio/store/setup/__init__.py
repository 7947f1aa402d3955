"""The set-up in the database: its rows, which of them each revision changed, and what a process remembers of it."""

from hymio.store.setup.in_commit import SetupInCommit, SetupRevisions
from hymio.store.setup.remembered import RememberedSetup

__all__ = ["RememberedSetup", "SetupInCommit", "SetupRevisions"]
