"""How fast parts of a large set-up are listed: texts of one point, texts at a far offset, the tree with its surveys."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from functools import partial
from itertools import count, islice
from typing import Final

from rich.progress import Progress

from hymio import intake, manage, results
from hymio.access import operator
from hymio.bench.figure import Figure, median_ms, seconds_of
from hymio.bench.fleet import NEW_YEAR, NOW, Fleet, build
from hymio.bench.served import Server, basic, request, served
from hymio.feedback import Phases, Press, Text, Upload
from hymio.period import DAY_MS, HOUR_MS, InstantRange
from hymio.results import OfNode, Phase, Query
from hymio.store import Store, open_store

POINTS, TEXTS, BUSY_DAYS = 2_024, 20_000, 100
"""Points of the tree, texts of all of them together, and days on which the first point has 100 further presses."""

OFFSET_SHARE = 0.9
POINT_MS, FAR_MS, TREE_MS = 15, 50, 30
_CHANGES: Final = 5
_PAGE: Final = 1_000


def measured(url: str, progress: Progress) -> Iterator[Figure]:
    """Texts of a point and of the root in the store and over HTTP, then the tree of folders."""
    with closing(open_store(url)) as store:
        fleet = build(store, POINTS)
        _fill(store, fleet, progress)
        by = operator(fleet.organization)
        point = store.layout(fleet.organization).assignments[fleet.assignments[0]].node
        credentials = manage.activate_api(store, by, now=NOW)
        token = manage.create_token(store, by, "Texts", now=NOW).secret
        offset = int(TEXTS * OFFSET_SHARE)
        with served(url) as server:
            http = partial(_http_ms, server, {"X-HON-API-Token": token})
            in_store = partial(_store_ms, store, fleet)
            root = http(fleet.root, 0), in_store(fleet.root, 0)
            yield _texts(f"texts of a point among {TEXTS:,}", POINT_MS, (http(point, 0), in_store(point, 0)), root)
            far = http(fleet.root, offset), in_store(fleet.root, offset)
            yield _texts(f"texts at offset {offset:,}", FAR_MS, far, root)
            yield from _tree(store, fleet, server, basic(credentials), point)


def _fill(store: Store, fleet: Fleet, progress: Progress) -> None:
    """Records TEXTS texts, spread over the year and all points, and a busy first point."""
    task = progress.add_task(f"{TEXTS:,} texts", total=TEXTS)
    waiting = _uploads(fleet)
    while uploads := tuple(islice(waiting, 64)):
        intake.record(store, fleet.organization, uploads, NOW)
        progress.advance(task, len(uploads))
    progress.remove_task(task)


def _uploads(fleet: Fleet) -> Iterator[Upload]:
    """Uploads of three presses, the first with a text; then those of the busy point."""
    for number in range(TEXTS):
        turn, terminal = divmod(number, len(fleet.smileys))
        start = NEW_YEAR + turn * 18 * DAY_MS + 9 * HOUR_MS + terminal * 10_000
        text = Phases(text=Text(text=f"Text {number}: the queue was short and everybody was kind"))
        presses = (Press(7, 3 * turn + n + 1, start + n * 60_000, n, phases=None if n else text) for n in range(3))
        yield Upload(fleet.smileys[terminal], tuple(presses))
    for day in range(BUSY_DAYS):
        start = NEW_YEAR + 3 * day * DAY_MS + 10 * HOUR_MS
        presses = (Press(8, 100 * day + n + 1, start + n * 60_000, n % 4) for n in range(100))
        yield Upload(fleet.smileys[0], tuple(presses))


def _http_ms(server: Server, headers: dict[str, str], node: int, offset: int) -> float:
    """What a page of texts takes over HTTP."""
    path = f"/v2/results/text-feedbacks.json?period=2025&experiencePointId={node}&offset={offset}&limit={_PAGE}"
    request(server, path, headers)
    return median_ms(partial(request, server, path, headers))


def _store_ms(store: Store, fleet: Fleet, node: int, offset: int) -> float:
    """What the rows of a page of texts take in the store."""
    query = Query(OfNode(node), InstantRange(NEW_YEAR, NOW), Phase.TEXT, offset=offset, limit=_PAGE)

    def read() -> None:
        with results.rows(store, operator(fleet.organization), query, NOW) as page:
            for _ in page.rows:
                pass

    read()
    return median_ms(read)


def _texts(what: str, most: int, taken: tuple[float, float], root: tuple[float, float]) -> Figure:
    """A page over HTTP and in the store, beside the first page of the root."""
    return Figure(
        f"{what}, HTTP; store",
        f"{taken[0]:.1f}; {taken[1]:.1f} ms",
        f"the root's first {root[0]:.1f}; {root[1]:.1f} ms",
        taken[0] / root[0],
        f"< {most} ms",
        taken[0] < most,
    )


def _tree(store: Store, fleet: Fleet, server: Server, authorization: str, point: int) -> Iterator[Figure]:
    """The tree of all folders after a change of it, again, and by a client that has it."""
    path, headers = "/v1/folders?surveys=true", {"Authorization": authorization}
    names = count(1)
    request(server, path, headers)

    def changed() -> float:
        """Renames a point, and returns how many ms the next answer takes."""
        manage.rename_node(store, operator(fleet.organization), point, f"Renamed {next(names)}", now=NOW)
        return 1000 * seconds_of(partial(request, server, path, headers))

    first = sorted(changed() for _ in range(_CHANGES))[_CHANGES // 2]
    again = median_ms(partial(request, server, path, headers))
    etag = request(server, path, headers)["ETag"]
    unchanged = median_ms(partial(request, server, path, headers | {"If-None-Match": etag}))
    what = f"v1 folder tree, {POINTS:,} points"
    yield Figure(f"{what}, after a change", f"{first:.1f} ms", reach=f"< {TREE_MS} ms", met=first < TREE_MS)
    yield Figure("… again; 304", f"{again:.1f}; {unchanged:.1f} ms", reach=f"< {TREE_MS} ms", met=again < TREE_MS)
