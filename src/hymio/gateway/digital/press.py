"""Makes an upload of a message of a browser: whose it is, when it was pressed, by whom, and what it may contain."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

from hymio.access import Permission, Principal
from hymio.errors import Forbidden, NotFound
from hymio.feedback import Feedback, Finding, Phases, Press, Upload
from hymio.gateway.digital.asked import check_answers, check_button
from hymio.gateway.digital.message import Message, accepted_metadata
from hymio.gateway.digital.visitors import mailed_by, visitor_of
from hymio.gateway.press_parts import ui_of
from hymio.intake.arrival import SharedLookUp
from hymio.intake.resolving import shown_survey
from hymio.manage import published_principals
from hymio.period import DAY_MS, Instant
from hymio.setup import Layout
from hymio.smiley import Publication
from hymio.store import Store
from hymio.store.dialect import Transaction
from hymio.store.scan import numbered_rows

MAX_AGE_MS: Final = DAY_MS
"""How long before its message a press may have been made; an older one has the time of its message."""

MIN_DWELL_MS: Final = 250
"""A hand needs longer from seeing a smiley to pressing it."""


class Sender(NamedTuple):
    """Who sent a message, and when it was received: the page's origin (None for this server's own pages, empty where
    the browser names none), the client's address and browser, and the key of the day."""

    origin: str | None
    host: str
    agent: str
    key: bytes
    now: Instant


class WebPress(SharedLookUp):
    """A message that waits for its commit; its smiley is looked up in the transaction of its batch."""

    rows = 1

    def __init__(self, store: Store, message: Message, sender: Sender, size: int, *, is_robot: bool = False) -> None:
        """`is_robot` is what its way in found out."""
        self._store, self._message, self._from, self.size = store, message, sender, size
        self._is_robot = is_robot
        self.sender = message.smiley
        self._known: _Known | None = None

    @classmethod
    def look_up(cls, transaction: Transaction, arrivals: Sequence[WebPress]) -> None:
        """Looks up the smileys of a batch; each batch anew, so that one that was withdrawn counts no longer."""
        known = _Known(published_principals(transaction, {arrival.sender for arrival in arrivals}), {})
        for arrival in arrivals:
            arrival._known = known  # noqa: SLF001  its own class

    def read(self, transaction: Transaction) -> tuple[int, Upload]:
        """The organization's id and the upload. NotFound, Forbidden, BadRequest."""
        principal, publication, layout = published(self._store, transaction, self._message.smiley, self._known)
        if self._from.origin is not None and not publication.allows(self._from.origin):
            raise Forbidden("origin-refused", "Pages of this origin may not send presses of this smiley.")
        press, correction = self._press(transaction, layout, principal, publication)
        return principal.organization, Upload(principal.id, (press,), correction=correction)

    def _press(
        self, transaction: Transaction, layout: Layout, principal: Principal, publication: Publication
    ) -> tuple[Press, int]:
        """The press, and the ms to add to its instant."""
        message, key = self._message, self._message.key
        if message.button is None:
            epoch, sequence = key
            rows = numbered_rows(
                transaction, principal.organization, principal.id, epoch, range(sequence, sequence + 1)
            )
            if not rows:
                raise NotFound("unknown-press", "There is no such press.")
            return self._after(transaction, layout, rows[0]), rows[0].correction
        at, correction = device_time(message, self._from.now)
        survey = message.survey or 0
        check_button(layout, survey, message.button)
        phases = self._phases(transaction, layout, survey, message.button)
        organization, mail = principal.organization, message.mail
        press = Press(
            *key, at, message.button, survey,
            visitor_of(self._from.key, organization, self._from.host, self._from.agent),
            ui_of(message.ui), phases, self._finding(publication),
            mailed_by(self._from.key, organization, principal.id, mail),
        )  # fmt: skip
        return press, correction

    def _after(self, transaction: Transaction, layout: Layout, stored: Feedback) -> Press:
        """A stored press as it was sent, with what the message adds."""
        shown = shown_survey(layout, stored)
        survey = None if shown is None else shown.survey
        phases = self._phases(transaction, layout, survey or 0, stored.button)
        at = stored.at - stored.correction
        return Press(stored.epoch, stored.sequence, at, stored.button, survey, phases=phases)

    def _phases(self, transaction: Transaction, layout: Layout, survey: int, button: int) -> Phases | None:
        """What the message has besides the button. BadRequest for an answer that the survey does not ask for."""
        message, phases = self._message, self._message.phases
        if phases is None and not message.metadata:
            return None
        content = self._store.content_now(transaction, layout.organization)
        check_answers(layout, content, survey, button, message)
        metadata = accepted_metadata(message.metadata, content.flow(survey).metadata)
        return (phases or Phases())._replace(metadata=metadata)

    def _finding(self, publication: Publication) -> int:
        """ROBOT for a message that no person sent."""
        message = self._message
        is_robot = (
            self._is_robot
            or bool(message.website)
            or (message.dwell is not None and message.dwell < MIN_DWELL_MS)
            or not is_worked(message, publication)
        )
        return int(Finding.ROBOT if is_robot else Finding.NONE)


class _Known(NamedTuple):
    """What is looked up for all messages of a batch: the smileys by code or token, and layouts by organization."""

    principals: Mapping[str, Principal]
    layouts: dict[int, Layout]


def published(
    store: Store, transaction: Transaction, code: str, known: _Known | None = None
) -> tuple[Principal, Publication, Layout]:
    """The smiley of a code or token, which may deliver feedback, how it is published, and its organization's layout.

    What the same transaction looked up before is `known`. NotFound, also for a replaced or withdrawn one.
    """
    known = known or _Known(published_principals(transaction, [code]), {})
    principal = known.principals.get(code)
    if principal is not None:
        layout = known.layouts.get(principal.organization)
        if layout is None:
            layout = store.layout_now(transaction, principal.organization)
            known.layouts[principal.organization] = layout
        smiley = layout.smileys.get(principal.id)
        publication = None if smiley is None else smiley.publication
        if publication is not None and publication.answers_to(code.upper()):
            principal.require(Permission.DELIVER_FEEDBACK)
            return principal, publication, layout
    raise NotFound("unknown-address", "There is nothing at this address.")


def device_time(message: Message, now: Instant) -> tuple[Instant, int]:
    """The instant of a press by the browser's clock, and the ms to add to it.

    The sum is the receipt less what passed between press and message by the browser's clock, if that is 0 to
    MAX_AGE_MS, otherwise the receipt. Without an instant, that by the browser's clock is 0, so that a repeat is equal.
    """
    if message.at is None:
        return 0, now
    age = (now if message.clock is None else message.clock) - message.at
    if not 0 <= age <= MAX_AGE_MS:
        age = 0
    return message.at, now - age - message.at


def is_worked(message: Message, publication: Publication) -> bool:
    """Whether the SHA-256 of `ID:WORK` begins with as many zero bits as the smiley asks for."""
    if not publication.work_bits:
        return True
    digest = hashlib.sha256(f"{message.id}:{message.work}".encode("utf-8", "replace")).digest()
    return int.from_bytes(digest) >> (256 - publication.work_bits) == 0
