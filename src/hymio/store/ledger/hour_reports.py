"""The hour reports of smileys (sent by SMS) that are stored, within one commit."""

from __future__ import annotations

from collections.abc import Iterable

from hymio.feedback import HourReport
from hymio.rollup import MAX_BUTTONS
from hymio.store import schema
from hymio.store.dialect import Transaction
from hymio.store.schema import COUNT_COLUMNS

_COUNTS = ", ".join(COUNT_COLUMNS)
_SET_COUNTS = ", ".join(f"{column} = excluded.{column}" for column in COUNT_COLUMNS)


class HourReports:
    """The hour reports of an organization's smileys, in one write transaction."""

    def __init__(self, transaction: Transaction, organization: int) -> None:
        self._transaction = transaction
        self._organization = organization
        self._senders: dict[int, bool] = {}  # cached by smiley: whether it may have hour reports

    def prefetch(self, smileys: Iterable[int]) -> None:
        """Caches with one statement which smileys have hour reports, instead of one for each in `any_of`."""
        looked_up = list(smileys)
        rows = self._transaction.rows(
            f"""SELECT id FROM {self._transaction.list_table("smileys", "id")} AS looked_up WHERE EXISTS
            (SELECT 1 FROM hour_report WHERE organization_id = :o AND smiley_id = id {self._transaction.fence})""",
            o=self._organization,
            smileys=self._transaction.among(looked_up),
        )
        self._senders |= dict.fromkeys(looked_up, False) | {row[0]: True for row in rows}

    def any_of(self, smiley: int) -> bool:
        """Whether a smiley has hour reports; stays True if a savepoint that stored its only one is rolled back."""
        if smiley not in self._senders:
            self.prefetch([smiley])
        return self._senders[smiley]

    def overlapping(self, smiley: int, epoch: int, start: int, end: int) -> list[HourReport]:
        """The hour reports of an epoch whose sequences overlap [start, end), in order of sequence."""
        if not self.any_of(smiley):
            return []
        # They do not overlap one another: of those that begin before `start`, only the last can reach it.
        of_epoch = "WHERE organization_id = :o AND smiley_id = :smiley AND epoch = :epoch"
        rows = self._transaction.rows(
            f"""SELECT epoch, first_sequence, at, utc_offset, {_COUNTS} FROM hour_report
            {of_epoch} AND first_sequence < :stop AND end_sequence > :start
              AND first_sequence >= coalesce((SELECT max(first_sequence) FROM hour_report {of_epoch}
                AND first_sequence <= :start), :start) ORDER BY first_sequence""",
            o=self._organization,
            smiley=smiley,
            epoch=epoch,
            start=start,
            stop=end,
        )
        return [HourReport(row[0], row[1], row[2], tuple(row[4:]), row[3]) for row in rows]

    def put(self, smiley: int, report: HourReport) -> None:
        """Stores an hour report, replacing one of the same epoch and first sequence."""
        self._senders[smiley] = True
        counts = tuple(report.counts) + (0,) * (MAX_BUTTONS - len(report.counts))
        self._transaction.insert(
            schema.hour_report,
            [(self._organization, smiley, report.epoch, report.first, report.at, report.end, *counts, report.offset)],
            f"""ON CONFLICT (organization_id, smiley_id, epoch, first_sequence)
            DO UPDATE SET end_sequence = excluded.end_sequence, utc_offset = excluded.utc_offset, {_SET_COUNTS}""",
        )
