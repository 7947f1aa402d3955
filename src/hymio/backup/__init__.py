"""Backups: one archive file of a whole database, made while presses arrive, and its restoration."""

from hymio.backup.archive import Manifest, read_manifest
from hymio.backup.making import Backup, making, target_in
from hymio.backup.restoring import restoring
from hymio.backup.rotation import rotate

__all__ = ["Backup", "Manifest", "making", "read_manifest", "restoring", "rotate", "target_in"]
