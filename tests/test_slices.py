"""Large uploads: what is stored in slices, over several commits, is what one commit would have stored."""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from hymio import intake
from hymio.feedback import Followup, Health, HourReport, Phases, Press, Receipt, SequenceRange, Text, Upload, Verdict
from hymio.feedback import UnusablePress as Unusable
from hymio.intake.arrival import SlicedArrival
from hymio.intake.lanes import (
    LARGE_ROWS,
    MAX_BATCH_ROWS,
    MAX_BATCH_UPLOADS,
    MAX_SLICE_ROWS,
    MIN_SLICE_ROWS,
    Lanes,
    Waiting,
    waiting,
)
from hymio.intake.slices import Place, count_rows, is_end, joined, slice_at
from hymio.misuse import MisusePolicy
from hymio.store import Store
from hymio.store.dialect import Transaction
from tests.test_laws import assert_settled, law, opened
from tests.world import NOW, World, build, instants_around, policies, zone_pairs
from tests.zones import HOUR

PHASES = st.sampled_from([None, Phases((Followup(3),)), Phases(text=Text("Cold soup", 1))])
EPOCH = 7


@st.composite
def uploads(draw: st.DrawFn, world: World) -> Upload:
    """An upload of a terminal: presses in any order, some twice or in conflict, and all else that it may say."""
    zone = "America/New_York"
    presses = [
        Press(
            EPOCH, draw(st.integers(1, 25)), draw(instants_around(zone)), draw(st.integers(0, 4)), phases=draw(PHASES)
        )
        for _ in range(draw(st.integers(0, 25)))
    ]
    presses += draw(st.lists(st.sampled_from(presses), max_size=4)) if presses else []
    unusable = [
        Unusable(EPOCH, draw(st.integers(0, 30)), Verdict.UNREADABLE, f'"{number}"')
        for number in range(draw(st.integers(0, 4)))
    ]
    first, start = 100, draw(instants_around(zone)) // HOUR * HOUR
    hours = []
    for number in range(draw(st.integers(0, 3))):
        counts = tuple(draw(st.integers(0, 4)) for _ in range(4))
        hours.append(HourReport(EPOCH, first, start + number * HOUR, counts, 0))
        first += sum(counts)
    clock = draw(st.none() | st.just(NOW - 3_600_000))
    return Upload(
        world.smileys[0],
        tuple(presses),
        tuple(hours),
        tuple(unusable),
        clock,
        draw(st.none() | st.just(NOW - 3_700_000)),
        (SequenceRange(EPOCH, 40, 45),) if draw(st.booleans()) else (),
        Health(0.5, -70, "1.0"),
    )


@law
@given(st.data(), zone_pairs, policies, st.integers(1, 9))
def test_an_upload_in_slices_leaves_what_the_whole_one_leaves(
    shared_database_url: str, data: st.DataObject, zones: tuple[str, str], policy: MisusePolicy, most: int
) -> None:
    """Also if a first attempt was interrupted after any slice: the repeat then has the rest as stored."""
    store = opened(shared_database_url)
    world = build(store, zones, policy)
    upload = data.draw(uploads(world))
    (whole,) = intake.record(store, world.organization, [upload], NOW)
    assert isinstance(whole, Receipt)

    other = build(store, zones, policy)
    moved = upload._replace(smiley=other.smileys[0])
    slices = slices_of(moved, most)
    stop = data.draw(st.integers(0, len(slices)))
    before = recorded(store, other, slices[:stop])
    # The clock of the device has gone on, too.
    again = moved._replace(clock=None if moved.clock is None else moved.clock + len(slices))
    after = recorded(store, other, slices_of(again, most), start=len(slices))
    assert after is not None
    stored = before.new if before else 0
    assert after.correction == whole.correction
    assert (stored + after.new, after.acknowledged) == (whole.new, whole.acknowledged)
    # Hour reports are merged with those of before and neither stored nor duplicates.
    assert after.new + after.duplicates == whole.new + whole.duplicates
    assert kinds(after) == kinds(whole)
    for one, two in zip(*(contents(store, each) for each in (world, other)), strict=True):
        assert one == two
    assert_settled(store, other)


def slices_of(upload: Upload, most: int) -> list[Upload]:
    """All slices of an upload."""
    part, place = slice_at(upload, Place(), most)
    slices = [part]
    while not is_end(upload, place):
        part, place = slice_at(upload, place, most)
        slices.append(part)
    return slices


def recorded(store: Store, world: World, slices: list[Upload], start: int = 0) -> Receipt | None:
    """The receipt of slices that are committed one after the other, a millisecond apart; None of none."""
    receipt: Receipt | None = None
    for number, part in enumerate(slices, start):
        sent = part if receipt is None else part._replace(correction=receipt.correction)
        (answer,) = intake.record(store, world.organization, [sent], NOW + number)
        assert isinstance(answer, Receipt)
        receipt = answer if receipt is None else joined(receipt, answer)
    return receipt


def kinds(receipt: Receipt) -> set[tuple[int, Verdict, str | None]]:
    """What a receipt says of quarantine; of a press that an upload has twice, it may say it twice."""
    return {(each.sequence, each.reason, each.phase) for each in receipt.quarantined}


def contents(store: Store, world: World) -> list[object]:
    """What is stored of an organization's first smiley, but for revisions, ids and the instants of commits."""
    smiley = {"o": world.organization, "smiley": world.smileys[0]}
    with store.read() as transaction:

        def rows(columns: str, table: str) -> Counter[Any]:
            return Counter(
                transaction.rows(
                    f"SELECT {columns} FROM {table} WHERE organization_id = :o AND smiley_id = :smiley", **smiley
                )
            )

        return [
            rows("epoch, sequence, at, utc_offset, correction, button, verdict", "feedback"),
            rows("epoch, sequence, hash, reason, body", "quarantine"),
            rows("epoch, through, highest", "smiley_epoch"),
            rows("epoch, first_sequence, last_sequence", "accounted"),
            rows("reported_through, battery, signal, firmware", "smiley_state"),
            rows("epoch, sequence, text", "text_feedback"),
        ]


@given(st.data(), st.integers(1, 9))
def test_slices_are_the_upload_in_order_and_small_enough(data: st.DataObject, most: int) -> None:
    upload = data.draw(uploads(World(1, 1, (1,), (1, 2), (1, 2, 3), (5,), (1, 2))))
    slices = slices_of(upload, most)
    for name in ("presses", "hours", "unusable"):
        assert sum((getattr(part, name) for part in slices), ()) == getattr(upload, name)
    assert all(count_rows(part._replace(lost=())) <= most or len(part.hours) == 1 for part in slices)
    assert (slices[0].clock, slices[0].health) == (upload.clock, upload.health)
    assert (slices[-1].reported_through, slices[-1].lost) == (upload.reported_through, upload.lost)
    assert all(part.reported_through is None and not part.lost for part in slices[:-1])


# --- which uploads the next commit takes ------------------------------------------------------------------------------


PRESSES = tuple(Press(1, sequence, 0, 0) for sequence in range(1, 3_001))
LOOP = asyncio.new_event_loop()


class Came:
    """An arrival of a sender, whose place among all arrivals is `number`."""

    size = 100

    def __init__(self, number: int, rows: int, sender: int) -> None:
        self.number, self.rows, self.sender = number, rows, sender

    def read(self, _transaction: Transaction | None) -> tuple[int, Upload]:
        return 1, Upload(self.sender, PRESSES[: self.rows])


class Queue:
    """Lanes with a single worker, whose commits always succeed."""

    def __init__(self) -> None:
        self.lanes = Lanes()
        self.waiting: list[Came] = []
        self._came: dict[asyncio.Future[Any], Came] = {}

    def put(self, came: Came) -> None:
        upload = waiting(came, LOOP.create_future())
        self._came[upload.outcome] = came
        self.waiting.append(came)
        self.lanes.put(upload)

    def commit(self, seconds: float) -> None:
        """Takes one batch, commits it in so many seconds and checks it."""
        had_large = any(came.rows > LARGE_ROWS for came in self.waiting)
        batch = self.lanes.take()
        assert bool(batch) == bool(self.waiting)
        assert len(batch) <= MAX_BATCH_UPLOADS + 1
        rows = [upload.arrival.rows for upload in batch if not isinstance(upload.arrival, SlicedArrival)]
        assert sum(rows) <= MAX_BATCH_ROWS + LARGE_ROWS
        slices = [upload.arrival.rows for upload in batch if isinstance(upload.arrival, SlicedArrival)]
        assert len(slices) == had_large
        assert all(MIN_SLICE_ROWS <= rows <= MAX_SLICE_ROWS for rows in slices)
        for upload in batch:
            self._take_outcome(upload)
        self.lanes.note_duration(batch, seconds)

    def _take_outcome(self, upload: Waiting) -> None:
        if isinstance(upload.arrival, SlicedArrival):
            _, part = upload.arrival.read(None)  # type: ignore[arg-type]  # `Came` reads nothing
            if upload.arrival.add(Receipt(part.smiley, 1, len(part.presses), 0, 0, (), (), 0)) is None:
                self.lanes.put_back(upload)
                return
        came = self._came[upload.outcome]
        before = [each for each in self.waiting if each.sender == came.sender and each.number < came.number]
        assert all(each.rows <= LARGE_ROWS for each in before), "it has overtaken a large one of its sender"
        self.waiting.remove(came)
        self.lanes.finish(upload)


@given(
    st.lists(st.tuples(st.sampled_from([1, 1, 1, 300, 500, 501, 3000]), st.integers(1, 4)), max_size=60),
    st.lists(st.tuples(st.integers(1, 20), st.floats(0, 1)), min_size=60, max_size=60),
)
def test_small_uploads_go_first_large_ones_advance_and_none_overtakes_one_of_its_sender(
    arrivals: list[tuple[int, int]], commits: list[tuple[int, float]]
) -> None:
    queue = Queue()
    pending = [Came(number, rows, sender) for number, (rows, sender) in enumerate(arrivals)]
    for come, seconds in commits:
        for came in pending[:come]:
            queue.put(came)
        pending = pending[come:]
        queue.commit(seconds)
    for _ in range(3_000 // MIN_SLICE_ROWS * len(arrivals)):
        queue.commit(0.01)
    assert not queue.waiting


def test_small_uploads_are_committed_with_the_next_slice_and_slices_are_as_large_as_commits_are_fast() -> None:
    queue = Queue()
    for sender in range(4):
        queue.put(Came(sender, 3000, sender))
    sizes = []
    for number, seconds in enumerate((0.1, 0.1, 0.1, 0.0001, 0.0001)):
        small = Came(number + 10, 1, number + 10)
        if number == 2:
            queue.put(small)
        [*others, large] = queue.lanes.take()
        assert len(others) == (number == 2)
        sizes.append(large.arrival.rows)
        queue.lanes.put_back(large)
        large.arrival.read(None)  # type: ignore[arg-type]  # `Came` reads nothing
        queue.lanes.note_duration([*others, large], seconds)
    assert sizes == [2000, 1000, 250, 125, 2000]


def test_what_waits_is_removed_all_at_once_and_nothing_waits_behind_it_any_more() -> None:
    lanes = Lanes()
    uploads = [waiting(Came(n, rows, 1), LOOP.create_future()) for n, rows in enumerate([5000, 1, 5000, 1])]
    for upload in uploads:
        lanes.put(upload)
    [taken] = lanes.take()
    assert lanes.take_all() == uploads[1:]
    for upload in (taken, *uploads[1:]):
        lanes.finish(upload)
    assert lanes.take() == []
    lanes.put(uploads[1])
    assert lanes.take() == [uploads[1]]
