"""When API tokens were last used: requests note it in memory, the job `write-token-use` writes it."""

from __future__ import annotations

import threading
from collections import defaultdict
from typing import TYPE_CHECKING, Final

from hymio.period import Instant
from hymio.store import schema

if TYPE_CHECKING:
    from hymio.store import Store

MAX_TOKENS: Final = 100_000
"""Tokens whose use is noted until the next write; the use of further ones is not noted."""

_KEEP_LATEST = """ON CONFLICT (organization_id, token_id) DO UPDATE SET
    used_at = CASE WHEN excluded.used_at > token_use.used_at THEN excluded.used_at ELSE token_use.used_at END"""


class TokenUse:
    """The latest use of each token since the last write; safe to share between threads."""

    def __init__(self) -> None:
        self._used: dict[tuple[int, int], Instant] = {}
        self._lock = threading.Lock()

    def note(self, organization: int, token: int, now: Instant) -> None:
        """Notes in memory that a token was used at `now`; not if uses of MAX_TOKENS other tokens are noted already."""
        key = (organization, token)
        with self._lock:
            if key in self._used or len(self._used) < MAX_TOKENS:
                self._used[key] = max(now, self._used.get(key, now))

    def write(self, store: Store) -> int:
        """Writes the noted uses, a transaction for each organization; returns their number.

        If it raises (Unavailable), uses that are not written stay noted.
        """
        with self._lock:
            used, self._used = self._used, {}
        by_organization: dict[int, list[tuple[int, int, Instant]]] = defaultdict(list)
        for (organization, token), at in used.items():
            by_organization[organization].append((organization, token, at))
        try:
            while by_organization:
                organization, rows = next(iter(by_organization.items()))
                with store.write() as transaction:
                    transaction.insert(schema.token_use, rows, _KEEP_LATEST)
                del by_organization[organization]
        finally:
            for rows in by_organization.values():
                for organization, token, at in rows:
                    self.note(organization, token, at)
        return len(used)
