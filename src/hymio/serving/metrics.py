"""The numbers of a server for Prometheus: requests as they are served, the rest read when it asks.

Values of labels come from this program, never from a request, so that there are few of them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from hymio import __version__
from hymio.intake.queue import UploadQueue
from hymio.period import SECOND_MS
from hymio.store import Store, jobs
from hymio.store.lease import Outcome
from hymio.store.quarantine import quarantine_totals

PARTS: Final = (
    "terminal", "w", "k", "sms", "v1", "v2", "reports", "shared", "docs", "static", "health", "ready", "metrics",
)  # fmt: skip
"""The first segments of paths that are told apart; all others are `other`."""

BUCKETS: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
"""Upper bounds of the histogram of latencies, in seconds."""


@dataclass(frozen=True, slots=True)
class RequestMetrics:
    """Requests of one server by the part of their path and the class of their status, and how long they took.

    `process` is which of several processes counts them, of which any may answer Prometheus; None where it is the only
    one.
    """

    process: int | None = None
    registry: CollectorRegistry = field(default_factory=CollectorRegistry)
    _labelled: dict[tuple[str, int], tuple[Counter, Histogram]] = field(default_factory=dict, repr=False)
    requests: Counter = field(init=False)
    seconds: Histogram = field(init=False)

    def __post_init__(self) -> None:
        names = ("part", "status")
        requests = Counter("hymio_requests", "Requests that were answered.", names, registry=self.registry)
        seconds = Histogram(
            "hymio_request_seconds", "How long requests took.", ("part",), registry=self.registry, buckets=BUCKETS
        )
        object.__setattr__(self, "requests", requests)
        object.__setattr__(self, "seconds", seconds)

    def note(self, path: str, status: int, seconds: float) -> None:
        """Counts a request; status 0 is one whose client went away before it was answered."""
        part = path.split("/", 2)[1] if path.startswith("/") else ""
        labels = part if part in PARTS else "other", status // 100
        counter, histogram = self._labelled.get(labels) or self._with_labels(*labels)
        counter.inc()
        histogram.observe(seconds)

    def _with_labels(self, part: str, hundreds: int) -> tuple[Counter, Histogram]:
        """The numbers of one part and class of status; kept, because Prometheus looks them up in several steps."""
        counter = self.requests.labels(part, f"{hundreds}xx" if 1 <= hundreds <= 5 else "none")
        return self._labelled.setdefault((part, hundreds), (counter, self.seconds.labels(part)))

    def text(self, store: Store, uploads: UploadQueue, checks: Iterable[tuple[str, bool]]) -> bytes:
        """Everything in the text format of Prometheus; `checks` are those of `/health`. Unavailable."""
        counted = [*self.registry.collect(), *_of_queue(uploads)]
        if self.process is not None:
            counted = [_labelled(metric, str(self.process)) for metric in counted]
        read = CollectorRegistry()
        read.register(_Read([*counted, *_of_store(store), *_of_server(checks)]))
        return generate_latest(read)


def _labelled(metric: Metric, process: str) -> Metric:
    """A metric whose samples have the number of the process as a label."""
    metric.samples = [sample._replace(labels={**sample.labels, "process": process}) for sample in metric.samples]
    return metric


class _Read(Collector):
    """Metrics that were read already."""

    def __init__(self, metrics: list[Metric]) -> None:
        self._metrics = metrics

    def collect(self) -> list[Metric]:
        return self._metrics


def _of_queue(uploads: UploadQueue) -> Iterator[Metric]:
    """What intake has done since the server was started, and how many uploads wait."""
    totals = uploads.totals
    for name, text, value in (
        ("hymio_uploads", "Uploads and text messages that were committed.", totals.uploads),
        ("hymio_uploads_refused", "Uploads of which nothing was acknowledged.", totals.refused),
        ("hymio_presses_stored", "Presses that were stored.", totals.presses),
        ("hymio_presses_duplicate", "Presses that were stored already.", totals.duplicates),
        ("hymio_presses_quarantined", "Presses, or parts of them, that went into quarantine.", totals.quarantined),
        ("hymio_commits", "Commits of intake.", totals.commits),
        ("hymio_commit_seconds", "How long commits of intake took, in all.", totals.seconds),
    ):
        yield CounterMetricFamily(name, text, value=value)
    yield GaugeMetricFamily("hymio_uploads_waiting", "Uploads that wait to be committed.", value=uploads.waiting)


def _of_store(store: Store) -> Iterator[Metric]:
    """What is in quarantine, when jobs ended, and how large the database is, of all servers of a database."""
    with store.read() as transaction:
        counts, size = quarantine_totals(transaction), transaction.database_bytes()
    quarantine = GaugeMetricFamily("hymio_quarantine", "Presses in quarantine by reason.", labels=["reason"])
    for reason, presses in counts:
        quarantine.add_metric([reason.label], presses)
    yield quarantine
    ended = GaugeMetricFamily("hymio_job_ended_seconds", "When the last run ended, Unix time.", labels=["job"])
    failed = GaugeMetricFamily("hymio_job_failed", "Whether the last run failed.", labels=["job"])
    for state in jobs.states(store):
        if state.finished_at is not None:
            ended.add_metric([state.name], state.finished_at / SECOND_MS)
        failed.add_metric([state.name], float(state.outcome not in (None, Outcome.DONE)))
    yield ended
    yield failed
    yield GaugeMetricFamily("hymio_database_bytes", "Size of the database.", value=size)


def _of_server(checks: Iterable[tuple[str, bool]]) -> Iterator[Metric]:
    version = GaugeMetricFamily("hymio_info", "The version that runs.", labels=["version"])
    version.add_metric([__version__], 1)
    yield version
    check = GaugeMetricFamily("hymio_check", "Whether a check of /health passes.", labels=["check"])
    for name, ok in checks:
        check.add_metric([name], float(ok))
    yield check
