"""`/metrics`: for a token, in Prometheus' format, with the numbers of this server and its database."""

from __future__ import annotations

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from hymio import manage
from hymio.access import operator
from hymio.period import HOUR_MS
from hymio.serving.metrics import BUCKETS, PARTS, RequestMetrics
from hymio.settings import Settings
from hymio.store import Store, jobs
from tests.example import NOW, TERMINAL, make_example
from tests.served import serving

TOKEN = "a secret of Prometheus"
READ = {"Authorization": f"Bearer {TOKEN}"}


def read(http: httpx.Client) -> dict[tuple[str, tuple[str, ...]], float]:
    """The samples by name and values of labels."""
    answer = http.get("/metrics", headers=READ)
    assert answer.status_code == 200, answer.text
    families = text_string_to_metric_families(answer.text)
    return {(one.name, tuple(one.labels.values())): one.value for family in families for one in family.samples}


def test_numbers_of_a_server(store: Store) -> None:
    made = make_example(store)
    jobs.plan(store, "clear-expired", HOUR_MS, NOW)
    token = manage.new_token(store, operator(made.organization), TERMINAL, now=NOW)
    with serving(store, Settings(port=0, metrics_token=TOKEN)) as http:
        before = read(http)
        upload = {"epoch": 7, "presses": [{"sequence": 1, "at": NOW - 1000, "button": 1}, {"sequence": 2}]}
        sent = http.post("/terminal/v1/uploads", json=upload, headers={"Authorization": f"Bearer {token}"})
        assert sent.status_code == 200, sent.text
        http.get("/no/such/address")
        after = read(http)
    assert before["hymio_uploads_total", ()] == 0
    assert after["hymio_uploads_total", ()] == 1
    assert after["hymio_presses_stored_total", ()] >= 1
    assert after["hymio_presses_quarantined_total", ()] == 1
    assert after["hymio_quarantine", ("unreadable",)] - before.get(("hymio_quarantine", ("unreadable",)), 0) == 1
    assert after["hymio_uploads_waiting", ()] == 0
    assert after["hymio_requests_total", ("other", "4xx")] == 1
    assert after["hymio_requests_total", ("terminal", "2xx")] == 1
    assert after["hymio_request_seconds_count", ("terminal",)] == 1
    assert after["hymio_database_bytes", ()] > 10_000
    assert after["hymio_check", ("database",)] == 1
    assert ("hymio_job_failed", ("clear-expired",)) in after


def test_metrics_are_for_their_token(store: Store) -> None:
    with serving(store) as http:
        assert http.get("/metrics", headers=READ).status_code == 404
    with serving(store, Settings(port=0, metrics_token=TOKEN)) as http:
        for headers in ({}, {"Authorization": "Bearer wrong"}, {"Authorization": f"Basic {TOKEN}"}):
            refused = http.get("/metrics", headers=headers)
            assert (refused.status_code, refused.json()["code"]) == (401, "metrics-token-refused")
            assert refused.headers["www-authenticate"].startswith("Bearer")


@pytest.mark.parametrize("path", ["", "/", "/v1/surveys/1", "//", "/%00", "no slash", "/v1", "/metrics/x"])
def test_requests_choose_no_values_of_labels(path: str) -> None:
    metrics = RequestMetrics()
    for number in range(30):
        metrics.note(f"{path}{number}", 100 * number, 0.1)
    samples = [sample for family in metrics.registry.collect() for sample in family.samples]
    assert {sample.labels["part"] for sample in samples} <= {*PARTS, "other"}
    assert len(samples) <= 2 * 6 + len(BUCKETS) + 4


def test_presses_of_the_web_and_of_kiosks_have_parts_of_their_own() -> None:
    metrics = RequestMetrics()
    for path in ("/w/press", "/k/", "/wp-login.php"):
        metrics.note(path, 200, 0.01)
    counted = {
        part
        for part in PARTS
        if metrics.registry.get_sample_value("hymio_requests_total", {"part": part, "status": "2xx"})
    }
    assert counted == {"w", "k"}
