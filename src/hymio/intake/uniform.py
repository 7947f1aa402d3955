"""Records presses of a terminal that are all resolved and judged alike, column by column, without an object for each.

Nearly all uploads of terminals are so: one assignment, one offset, an interval as the only rule, and nothing stored
near them. `resolving` and `judging` do the same for any presses and take four times as long.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import repeat
from operator import le, sub
from typing import NamedTuple

from hymio.feedback import Accuracy, Finding, Upload, Verdict
from hymio.hierarchy import BEGINNING
from hymio.intake.acknowledge import advance
from hymio.intake.resolving import remembered_range
from hymio.misuse import only_interval
from hymio.period import DAY_MS, Instant
from hymio.smiley import CLOCK_TOLERANCE
from hymio.store.ledger import EpochProgress, Ledger, Span

MAX_SPAN_MS = 3 * DAY_MS
"""Time between first and last press, at most; in a longer one, too many rows might be looked at for neighbours."""

_COUNTED, _INTERVAL, _SECOND, _NO_FINDING = map(int, (Verdict.COUNTED, Verdict.INTERVAL, Accuracy.SECOND, Finding.NONE))


class UniformPresses(NamedTuple):
    """The presses of one upload, in order of time, a column each; `offset` in minutes, `interval` of the rule in ms."""

    smiley: int
    assignment: int
    offset: int
    interval: int
    correction: int
    epoch: int
    sequences: Sequence[int]
    instants: Sequence[Instant]
    buttons: Sequence[int]
    uis: Sequence[int | None]

    @property
    def span(self) -> Span:
        """The instants in which stored presses may be neighbours."""
        first, last = self.instants[0] - self.interval, self.instants[-1] + 2 * self.interval
        return Span(self.assignment, self.smiley, first, last)


def uniform_presses(ledger: Ledger, upload: Upload, correction: int) -> UniformPresses | None:
    """The presses of a plain upload (`together.plain_uploads`) if they are uniform, but for stored neighbours."""
    layout, smiley = ledger.layout, upload.smiley
    epochs, sequences, sent_at, buttons, _, _, uis, _, findings, _ = zip(*upload.presses, strict=True)
    instants = [at + correction for at in sent_at] if correction else sent_at
    if any(findings) or not all(map(le, instants, instants[1:])) or instants[-1] - instants[0] > MAX_SPAN_MS:
        return None
    publication = layout.smileys[smiley].publication
    if publication is not None and publication.is_installing:
        return None
    uniform = remembered_range(layout, smiley, instants[0])
    if uniform is None or instants[-1] >= min(uniform.end, ledger.now + CLOCK_TOLERANCE + 1):
        return None
    if min(buttons) < 0 or max(buttons) >= uniform.buttons:
        return None
    interval = only_interval(layout.policies_of(uniform.assignment, smiley))
    if interval is None:
        return None
    return UniformPresses(
        smiley, uniform.assignment, uniform.offset, interval, correction, epochs[0], sequences, instants, buttons, uis
    )


def without_neighbours(ledger: Ledger, uniform: Mapping[int, UniformPresses]) -> dict[int, UniformPresses]:
    """Those of some presses whose verdicts do not depend on stored presses, nor those of stored ones on them."""
    judged = {key: presses for key, presses in uniform.items() if presses.interval}
    if not judged:
        return dict(uniform)
    keys, occupied = [*judged], ledger.rows.occupied([presses.span for presses in judged.values()])
    with_some = {keys[number] for number in occupied}
    return {key: presses for key, presses in uniform.items() if key not in with_some}


def store_uniform(ledger: Ledger, several: Iterable[UniformPresses]) -> None:
    """Judges presses without stored neighbours, stores them and counts their hours."""
    rows = list[tuple[int | None, ...]]()
    for presses in several:
        verdicts = _verdicts(presses.instants, presses.interval)
        rows += zip(
            repeat(ledger.organization), repeat(presses.smiley), repeat(presses.epoch), presses.sequences,
            presses.instants, repeat(presses.offset), repeat(presses.correction), presses.buttons, repeat(_SECOND),
            repeat(_NO_FINDING), repeat(presses.assignment), verdicts, repeat(ledger.revision), presses.uis,
        )  # fmt: skip
        ledger.hours.count_uniform(presses.assignment, presses.offset, presses.instants, verdicts, presses.buttons)
    ledger.rows.append_rows(rows)


def _verdicts(instants: Sequence[Instant], interval: int) -> Sequence[int]:
    """The verdicts by the rule of the interval, as `misuse.Judge` gives them."""
    if not interval or len(instants) == 1 or min(map(sub, instants[1:], instants)) >= interval:
        return [_COUNTED] * len(instants)
    verdicts, last_counted = list[int](), BEGINNING
    for at in instants:
        if at - last_counted < interval:
            verdicts.append(_INTERVAL)
        else:
            last_counted = at
            verdicts.append(_COUNTED)
    return verdicts


def acknowledge_uniform(ledger: Ledger, presses: UniformPresses) -> int:
    """Stores the progress of the epoch and returns its acknowledged sequence, as `acknowledge.advance` does."""
    smiley, epoch, sequences = presses.smiley, presses.epoch, presses.sequences
    before, last = ledger.progress.of_epoch(smiley, epoch), sequences[-1]
    is_next = before.through == before.highest == sequences[0] - 1
    if not is_next or last - sequences[0] >= len(sequences):
        return advance(ledger, smiley, epoch, set(sequences))
    ledger.progress.advance(smiley, epoch, EpochProgress(last, last))
    return last
