"""The checks behind `/health` and `/ready`: what a server looks at, and which failures stop it from taking presses.

A new check is a function `(Services) -> Phrase | None`, which returns what is wrong, and a line in CHECKS.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from secrets import compare_digest
from typing import Any, Final

import msgspec
import structlog
from litestar import Request, Response, get
from msgspec import UNSET, UnsetType

from hymio import __version__
from hymio.errors import CheckResult, ChecksFailed, DatabaseReplaced, HymioError, NotFound, Phrase, Unauthorized
from hymio.serving.answers import CheckRow, check_rows, json_line
from hymio.serving.clock_health import ClockStepRow
from hymio.serving.door import Route, Services
from hymio.texts import SOURCE

METRICS: Final = "text/plain; version=0.0.4; charset=utf-8"
METRICS_CHALLENGE: Final = 'Bearer realm="Hymio metrics"'

_MEGABYTE: Final = 1_000_000

_log = structlog.get_logger("hymio.health")


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that is looked at; `function` returns what is wrong, for clients to read, or raises a HymioError.

    While a check that `stops_presses` fails, an upload would not be acknowledged.
    """

    name: str
    function: Callable[[Services], Phrase | None]
    stops_presses: bool


class Health(msgspec.Struct, frozen=True, rename="camel"):
    """The response of `/health` and `/ready` where all their checks passed."""

    status: str
    version: str
    database: str
    checks: tuple[CheckRow, ...]
    clock_step: ClockStepRow | UnsetType = UNSET


def routes(services: Services) -> list[Route]:
    """`/health`: 200 where every check passes. `/ready`: 200 where those pass that presses depend on. Otherwise 503.

    `/metrics`: numbers for Prometheus.
    """

    @get("/health", sync_to_thread=True)
    def health() -> Response[bytes]:
        return _answer(passed(services, CHECKS))

    @get("/ready", sync_to_thread=True)
    def ready() -> Response[bytes]:
        return _answer(passed(services, [check for check in CHECKS if check.stops_presses]))

    @get("/metrics", sync_to_thread=True)
    def metrics(request: Request[Any, Any, Any]) -> Response[bytes]:
        return _metrics(services, request)

    return [health, ready, metrics]


def _metrics(services: Services, request: Request[Any, Any, Any]) -> Response[bytes]:
    """The metrics. NotFound without a token in the settings, Unauthorized for another one."""
    wanted = services.settings.metrics_token
    if not wanted:
        raise NotFound("unknown-address", "There is nothing at this address.")
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    with services.attempts.of(request.scope):
        if scheme.lower() != "bearer" or not compare_digest(token.strip().encode(), wanted.encode()):
            raise Unauthorized(
                "metrics-token-refused", "The token of /metrics is missing or not valid.", is_missing=not token
            )
    checks = ((check.name, _result(check, services).ok) for check in CHECKS)
    body = services.metrics.text(services.store, services.uploads, checks)
    return Response(body, media_type=METRICS, headers={"Cache-Control": "no-store"})


def _answer(health: Health) -> Response[bytes]:
    return Response(json_line(health), media_type="application/json")


def passed(services: Services, checks: Iterable[Check]) -> Health:
    """The results of checks that have all passed; ChecksFailed, which has all results, if one has not."""
    results = tuple(_result(check, services) for check in checks)
    failed = [result.name for result in results if not result.ok]
    if failed:
        raise ChecksFailed("checks-failed", "these checks failed: {checks}", checks=", ".join(failed), results=results)
    rows, step = check_rows(results, SOURCE), services.clock_health.last_step()
    return Health("ok", __version__, services.store.kind, rows, UNSET if step is None else step)


def _result(check: Check, services: Services) -> CheckResult:
    try:
        wrong = check.function(services)
    except HymioError as error:
        wrong = error.public_detail
        if not isinstance(error, DatabaseReplaced):  # the store has logged it
            _log.warning("check failed", check=check.name, code=error.code, detail=error.detail)
    return CheckResult(check.name, wrong is None, wrong or "")


# --- what is checked -------------------------------------------------------------------------------------------------


def _database(services: Services) -> None:
    """The database answers from the file that was opened, and has this server's last commit."""
    services.store.check()


def _space(services: Services) -> Phrase | None:
    """Enough bytes are free where files grow; a database on a server looks after its own disk."""
    least = services.settings.free_megabytes
    free = [_free_megabytes(folder) for folder in _growing_folders(services)]
    if not free or min(free) >= least:
        return None
    return Phrase("{free} MB are free on the disk, fewer than {least} MB", free=min(free), least=least)


def _growing_folders(services: Services) -> list[Path]:
    file, settings = services.store.file, services.settings
    backups = settings.backups if settings.backup_hours and settings.backups.exists() else None
    return [folder for folder in (file and file.parent, backups) if folder is not None]


def _free_megabytes(folder: Path) -> int:
    """Megabytes that this account may still write; 0 where the folder is gone."""
    try:
        return shutil.disk_usage(folder).free // _MEGABYTE
    except OSError:
        return 0


def _intake(services: Services) -> Phrase | None:
    """Uploads are taken, and the last commit did not fail a moment ago."""
    refusal = services.uploads.refusal()
    return None if refusal is None else refusal.public_detail


def _clock(services: Services) -> None:
    """The clock is not behind the newest receive time of any organization."""
    services.clock_health.check()


def _clock_for_all(services: Services) -> None:
    """The clock is not behind several organizations, or the only one."""
    services.clock_health.check_several()


def _nodes(services: Services) -> Phrase | None:
    """All nodes of a Citus cluster answer; while one does not, the organizations whose rows it has are unavailable."""
    lost = services.store.lost_nodes()
    return Phrase("these nodes of the database do not answer: {nodes}", nodes=", ".join(lost)) if lost else None


CHECKS: Final = (
    Check("database", _database, stops_presses=True),
    Check("clock", _clock, stops_presses=False),
    Check("clock-for-all", _clock_for_all, stops_presses=True),
    Check("space", _space, stops_presses=False),
    Check("intake", _intake, stops_presses=True),
    Check("nodes", _nodes, stops_presses=False),
)
"""What `/health` looks at, in the order in which it lists them."""
