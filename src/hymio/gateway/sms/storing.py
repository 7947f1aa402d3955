"""Commits the hour reports of a text message and stores the message; joins the parts of longer texts first."""

from __future__ import annotations

from typing import NamedTuple

from litestar.concurrency import sync_to_thread

from hymio import manage
from hymio.access import Principal
from hymio.feedback import Health, Receipt, Upload, Verdict
from hymio.gateway.sms.request import MAX_SENDER, TextMessage
from hymio.gateway.sms_text import SmsReport, decode, is_genuine
from hymio.period import Instant
from hymio.serving.door import Services
from hymio.store import Store
from hymio.store.dialect import Transaction
from hymio.store.messages import Joined, Part, empty_joined, insert_message, insert_part, joined_texts, note_joined


class SmsUpload(NamedTuple):
    """A message from a known smiley with a correct checksum, for the upload queue."""

    organization: int
    smiley: int
    report: SmsReport

    @property
    def size(self) -> int:
        """The number of characters that it keeps in memory while it waits."""
        return len(self.report.signed)

    @property
    def rows(self) -> int:
        """The presses that its hours count."""
        return sum(sum(hour.counts) for hour in self.report.hours)

    @property
    def sender(self) -> tuple[int, int]:
        """Its organization and smiley."""
        return self.organization, self.smiley

    def read(self, _transaction: Transaction) -> tuple[int, Upload]:
        """The organization's id and the upload, without clock, because delivery of an SMS may take hours."""
        _, hours, through, battery, *_ = self.report
        upload = Upload(self.smiley, hours=hours, reported_through=through, health=Health(battery=battery))
        return self.organization, upload


class _Message(NamedTuple):
    """A message to store: sender, text, the smiley if its serial is known, the outcome in words, undecoded bytes."""

    sender: str
    text: str
    smiley: int | None
    outcome: str
    body: bytes | None


async def store_message(services: Services, gateway: Principal, message: TextMessage) -> str:
    """Commits what a message reports, then stores the message itself; returns the outcome in words.

    A part of a longer text is stored first, and what the text reports is committed when all its parts are there.
    """
    sender = message.sender[:MAX_SENDER]
    text, body, problem = message.text
    if problem:
        outcome = f"unreadable: {problem}"
        stored = _Message(sender, text, None, outcome, body)
        await sync_to_thread(_store, services.store, gateway.organization, stored, None, services.clock())
        return outcome
    if message.part is not None:
        return await _store_part(services, gateway, sender, text, message.part)
    return await _store_text(services, gateway, _Message(sender, text, None, "", body), None)


async def _store_part(services: Services, gateway: Principal, sender: str, text: str, part: Part) -> str:
    """Stores a part, then the text that it completes; returns the outcome in words.

    Parts stay and wait for others unless the text has a right checksum: a reference may come back within the hour, and
    then the parts belong to two texts. A text that cannot be another one is stored with its outcome all the same.
    """
    arguments = services.store, gateway.organization, sender, text, part, services.clock()
    texts = await sync_to_thread(_add_part, *arguments)
    fitting = await sync_to_thread(_first_genuine, services.store, gateway, texts)
    if fitting is None and len(texts) != 1:
        return f"{part} is stored"
    whole = texts[0] if fitting is None else fitting
    return await _store_text(services, gateway, _Message(sender, whole.text, None, "", None), fitting)


async def _store_text(services: Services, gateway: Principal, message: _Message, joined: Joined | None) -> str:
    """Commits what a whole text reports, then stores it and notes of which parts it was joined."""
    smiley, outcome = await _commit(services, gateway, message.text)
    stored = message._replace(smiley=smiley, outcome=outcome)
    await sync_to_thread(_store, services.store, gateway.organization, stored, joined, services.clock())
    return outcome


def _first_genuine(store: Store, gateway: Principal, texts: list[Joined]) -> Joined | None:
    """The first text that can be decoded and has a right checksum."""
    return next((joined for joined in texts if _has_right_checksum(store, gateway, joined.text)), None)


def _has_right_checksum(store: Store, gateway: Principal, text: str) -> bool:
    """Whether a text can be decoded and its checksum was made with the key of its smiley."""
    try:
        report = decode(text)
    except ValueError:
        return False
    smiley_and_key = manage.smiley_by_serial(store, gateway, report.serial)
    return smiley_and_key is not None and is_genuine(report, smiley_and_key[1])


async def _commit(services: Services, gateway: Principal, text: str) -> tuple[int | None, str]:
    """Commits the hour reports of a message; returns the smiley, if its serial is known, and the outcome in words."""
    try:
        report = decode(text)
    except ValueError as error:
        return None, f"unreadable: {error}"
    smiley_and_key = await sync_to_thread(manage.smiley_by_serial, services.store, gateway, report.serial)
    if smiley_and_key is None:
        return None, f"unknown serial {report.serial}"
    smiley, key = smiley_and_key
    if not is_genuine(report, key):
        return smiley, "wrong checksum"
    committed = await services.uploads.record(SmsUpload(gateway.organization, smiley, report))
    return smiley, _outcome(committed.receipt, sum(sum(hour.counts) for hour in report.hours))


def _outcome(receipt: Receipt, presses: int) -> str:
    """The outcome of a committed message that reported `presses` presses, in words."""
    if any(quarantined.reason is Verdict.CONFLICT for quarantined in receipt.quarantined):
        return "conflict with an earlier message"
    if not receipt.quarantined:
        return "stored"
    reasons = dict.fromkeys(quarantined.reason.label.replace("_", " ") for quarantined in receipt.quarantined)
    count = sum(quarantined.presses for quarantined in receipt.quarantined)
    stored = f"stored {presses - count} of {presses} presses; " if presses > count else ""
    return f"{stored}{count} in quarantine: {', '.join(reasons)}"


def _add_part(store: Store, organization: int, sender: str, text: str, part: Part, now: Instant) -> list[Joined]:
    """Stores a part in a commit of its own; the texts that it may complete. Unavailable; ClockBehind.

    A part that is delivered again while its text is whole but not stored yet, as after a crash, gives the text again.
    """
    with store.begin(organization, now, present=True) as ledger:
        empty_joined(ledger, now)
        insert_part(ledger, now, sender, text, part)
        return joined_texts(ledger.transaction, organization, sender, text, part, now)


def _store(store: Store, organization: int, message: _Message, joined: Joined | None, now: Instant) -> None:
    """Stores a text with its outcome in a commit of its own, and notes its parts. Unavailable; ClockBehind."""
    with store.begin(organization, now, present=True) as ledger:
        insert_message(ledger, now, *message)
        if joined is not None:
            note_joined(ledger, joined, now)
