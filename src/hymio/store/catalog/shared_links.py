"""Rows of shared links: reports that people show to others by an address, with the hashes of their secrets."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple
from urllib.parse import parse_qsl

from hymio.period import Instant
from hymio.personal_data import Contact
from hymio.store import schema
from hymio.store.catalog.rows import next_id, run
from hymio.store.dialect import Row, Transaction
from hymio.store.ledger import Ledger


class LinkTerms(NamedTuple):
    """What a link shows, to whom and until when: the report of a node with the parameters `words` of its address."""

    name: str
    node: int
    words: str
    expires_at: Instant
    needs_sign_in: bool = False
    shows_texts: bool = False

    def has(self, contact: Contact) -> bool:
        """Whether a contact is in the name or in a value of the words, such as what texts are searched for."""
        return any(map(contact.is_in, (self.name, *(value for _, value in parse_qsl(self.words)))))


@dataclass(frozen=True, slots=True)
class SharedLink:
    """A link without its secret; `user` shares it, `used_at` is up to an hour old and None before a first use."""

    id: int
    user: int
    terms: LinkTerms
    created_at: Instant
    revoked_at: Instant | None
    used_at: Instant | None

    def is_valid(self, now: Instant) -> bool:
        """Whether it has neither expired nor been revoked."""
        return self.revoked_at is None and now < self.terms.expires_at


_SELECT = """SELECT id, user_id, name, node_id, words, expires_at, needs_sign_in, shows_texts, created_at, revoked_at,
    used_at, hash FROM shared_link WHERE organization_id = :o"""


def select_link(transaction: Transaction, organization: int, link: int) -> tuple[SharedLink, bytes] | None:
    """A link, ended or not, and the hash of its secret."""
    row = transaction.row(f"{_SELECT} AND id = :id", o=organization, id=link)
    return (_link(row), bytes(row[11])) if row else None


def select_links(transaction: Transaction, organization: int, user: int | None = None) -> list[SharedLink]:
    """The links of a user, or of all, the newest first, ended ones too."""
    text, values = f"{_SELECT} ORDER BY created_at DESC, id DESC", {}
    if user is not None:
        text, values = f"{_SELECT} AND user_id = :user ORDER BY created_at DESC, id DESC", {"user": user}
    return [_link(row) for row in transaction.rows(text, o=organization, **values)]


def insert_link(ledger: Ledger, user: int, digest: bytes, terms: LinkTerms, now: Instant) -> int:
    """Inserts a link; returns its id."""
    identity = next_id(ledger, "shared_link")
    row = (
        ledger.organization, identity, user, digest, terms.name, terms.node, terms.words, int(terms.needs_sign_in),
        int(terms.shows_texts), now, terms.expires_at, None, None,
    )  # fmt: skip
    ledger.transaction.insert(schema.shared_link, [row])
    return identity


def revoke_links(ledger: Ledger, now: Instant, *, link: int | None = None, user: int | None = None) -> int:
    """Revokes a link, or all links of a user; returns how many were not revoked before."""
    text = "UPDATE shared_link SET revoked_at = :now WHERE organization_id = :o AND revoked_at IS NULL"
    if link is not None:
        return run(ledger, f"{text} AND id = :id", now=now, id=link)
    return run(ledger, f"{text} AND user_id = :user", now=now, user=user)


def delete_links(ledger: Ledger, user: int) -> int:
    """Deletes all links of a user; returns their number."""
    return run(ledger, "DELETE FROM shared_link WHERE organization_id = :o AND user_id = :user", user=user)


def update_used(transaction: Transaction, organization: int, link: int, now: Instant) -> None:
    """Sets when a link was last used; not to an earlier instant."""
    transaction.run(
        """UPDATE shared_link SET used_at = :now
        WHERE organization_id = :o AND id = :id AND (used_at IS NULL OR used_at < :now)""",
        o=organization,
        id=link,
        now=now,
    )


def delete_ended(transaction: Transaction, organization: int, before: Instant) -> int:
    """Deletes links that expired or were revoked before an instant; returns their number."""
    return transaction.run(
        "DELETE FROM shared_link WHERE organization_id = :o AND (expires_at < :before OR revoked_at < :before)",
        o=organization,
        before=before,
    )


def _link(row: Row) -> SharedLink:
    """A link from its row."""
    terms = LinkTerms(row[2], row[3], row[4], row[5], bool(row[6]), bool(row[7]))
    return SharedLink(row[0], row[1], terms, row[8], row[9], row[10])
