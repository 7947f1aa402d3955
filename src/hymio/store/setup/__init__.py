"""The set-up in the database: its rows, the list of rows that each revision changed, and the process's cache of it."""

from hymio.store.setup.in_commit import SetupInCommit, SetupRevisions
from hymio.store.setup.remembered import RememberedSetup

__all__ = ["RememberedSetup", "SetupInCommit", "SetupRevisions"]
