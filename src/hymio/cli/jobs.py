"""`hymio jobs`: the periodic jobs and the outbox of the server; retries or discards failed and undecided rows."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.markup import escape

from hymio.cli.command import (
    FOLDED,
    RIGHT,
    WHOLE,
    Database,
    OrganizationName,
    Yes,
    ask,
    changing,
    console,
    hint,
    loaded,
    opened,
    say,
    table,
)
from hymio.clock import now

if TYPE_CHECKING:
    from hymio.jobs import Job
    from hymio.period import Instant
    from hymio.store.jobs import JobState
    from hymio.store.lease import Outcome
    from hymio.store.outbox import OutboxCount, OutboxRow

commands = typer.Typer()

RowName = Annotated[
    str, typer.Argument(metavar="ID", help="Id as printed by `hymio jobs`, such as 7.1", show_default=False)
]

_COLORS = {"done": "green", "failed": "red", "undecided": "yellow", "discarded": "dim"}
_AT_LEAST = {"overflow": "fold", "min_width": len("organization")}
_UNITS = (("ms", 1), ("s", 1_000), ("min", 60_000), ("h", 3_600_000), ("days", 86_400_000))


# --- listing ----------------------------------------------------------------------------------------------------------


@commands.callback(invoke_without_command=True)
def jobs(
    context: typer.Context,
    limit: Annotated[
        int, typer.Option(metavar="COUNT", help="Number of the newest failed and undecided rows to list", min=1)
    ] = 50,
    as_json: Annotated[bool, typer.Option("--json", help="As JSON, with complete details and times in UTC")] = False,
    database: Database = None,
) -> None:
    """List the server's periodic jobs (interval, last run, next run, process) and the outbox.

    An undecided row may or may not have been done: its process stopped before it wrote the outcome.

    Examples: hymio jobs · hymio jobs retry "Acme" 7.1 · hymio jobs discard "Acme" 7.1
    """
    if context.invoked_subcommand is not None:
        return
    from hymio import manage
    from hymio.jobs import periodic_jobs
    from hymio.store import jobs as rows
    from hymio.store import outbox

    periodic = periodic_jobs(loaded(context, database))
    with opened(context, database) as store:
        states = {state.name: state for state in rows.states(store)}
        names = {organization.id: organization.name for organization in manage.organizations(store)}
        with store.read() as transaction:
            counts, open_rows = outbox.counts(transaction), outbox.open_rows(transaction, limit)
    if as_json:
        typer.echo(json.dumps(_in_json(periodic, states, counts, open_rows), ensure_ascii=False, indent=2))
        return
    _show_jobs(periodic, states)
    if counts:
        _show_counts(counts, names)
    if open_rows:
        _show_open(open_rows, names)
        hint("Once you know whether it was done: hymio jobs retry ORGANIZATION ID, or: hymio jobs discard …")


def _show_jobs(periodic: tuple[Job, ...], states: dict[str, JobState]) -> None:
    """Prints the table of jobs, those of this version first."""
    jobs_by_name = {job.name: job for job in periodic}
    output = table(
        ("job", WHOLE),
        ("every", RIGHT),
        ("last run", FOLDED),
        ("outcome", FOLDED),
        ("next run", FOLDED),
        ("process", FOLDED),
    )
    for name in (*jobs_by_name, *sorted(states.keys() - jobs_by_name)):
        output.add_row(name, *_cells(jobs_by_name.get(name), states.get(name)))
    console().print(output)


def _cells(job: Job | None, state: JobState | None) -> tuple[str, ...]:
    """The cells of a job: interval, last run, outcome, next run, process. `job` is None if this version lacks it."""
    every = "" if job is None else _period(job.every)
    if job is not None and not job.leased:
        return every, "", "", "", "each"
    if state is None:
        return every, "never", "", "once a server runs", ""
    last = "never" if state.finished_at is None else _moment(state.finished_at)
    following = "" if job is None else _next(state)
    return every, last, _outcome(state.outcome, state.detail), following, escape(state.holder or "")


def _next(state: JobState) -> str:
    """The next run of a job, or how long it has been running."""
    if state.holder is not None and state.started_at is not None:
        return f"running for {_span(now() - state.started_at)}"
    return _moment(state.due_at)


def _show_counts(counts: list[OutboxCount], names: dict[int, str]) -> None:
    """Prints the number of rows of the outbox by organization, kind and outcome."""
    kinds: dict[tuple[int, str], dict[str, OutboxCount]] = {}
    for count in counts:
        outcome = "waiting" if count.outcome is None else count.outcome.value
        kinds.setdefault((count.organization, count.kind), {})[outcome] = count
    outcomes = ("waiting", *_COLORS)
    numbered = [(name, RIGHT) for name in outcomes]
    output = table(("organization", _AT_LEAST), ("outbox", FOLDED), *numbered, ("oldest", FOLDED))
    for (organization, kind), by_outcome in kinds.items():
        numbers = [f"{by_outcome[name].rows:,}" if name in by_outcome else "" for name in outcomes]
        oldest = _relative(by_outcome["waiting"].oldest) if "waiting" in by_outcome else ""
        output.add_row(_name(names, organization), escape(kind), *numbers, oldest)
    console().print("", output)


def _show_open(rows: list[OutboxRow], names: dict[int, str]) -> None:
    """Prints failed and undecided rows of the outbox."""
    output = table(
        ("organization", FOLDED), ("id", WHOLE), "kind", ("attempts", RIGHT), ("ended", FOLDED), ("outcome", FOLDED)
    )
    for row in rows:
        ended = "" if row.ended_at is None else _moment(row.ended_at)
        cells = escape(row.kind), str(row.attempts), ended, _outcome(row.outcome, row.detail)
        output.add_row(_name(names, row.organization), str(row.id), *cells)
    console().print("", output)


def _name(names: dict[int, str], organization: int) -> str:
    """The name of an organization, or its number if it is unknown."""
    return escape(names.get(organization, str(organization)))


def _outcome(outcome: Outcome | None, detail: str | None) -> str:
    """An outcome in colour, with its detail."""
    if outcome is None:
        return ""
    return f"[{_COLORS[outcome.value]}]{outcome.value}[/]" + (f" [dim]{escape(detail)}[/]" if detail else "")


def _moment(at: Instant) -> str:
    """An instant on two lines: relative to now, and in UTC."""
    return f"{_relative(at)}\n[dim]{_utc(at)[:19].replace('T', ' ')}Z[/]"


def _relative(at: Instant) -> str:
    """An instant relative to now: `in 5 min` or `2 h ago`."""
    ahead = at - now()
    return f"in {_span(ahead)}" if ahead > 0 else f"{_span(-ahead)} ago"


def _period(ms: int) -> str:
    """A duration in the largest unit of which it is a multiple."""
    unit, size = next((unit, size) for unit, size in reversed(_UNITS) if ms % size == 0)
    return f"{ms // size} {unit}"


def _span(ms: int) -> str:
    """A duration in the largest unit of which it has two, or at least one: 90 s, 2 min, 47 h, 2 days."""
    unit, size = next(((unit, size) for unit, size in reversed(_UNITS) if ms >= 2 * size), _UNITS[1])
    return f"{ms // size:,} {unit}"


def _utc(at: Instant) -> str:
    """An instant as a timestamp in UTC."""
    from hymio.period import format_timestamp

    return format_timestamp(at, 0, utc=True)


def _in_json(
    periodic: tuple[Job, ...], states: dict[str, JobState], counts: list[OutboxCount], rows: list[OutboxRow]
) -> dict[str, Any]:
    """The jobs and the outbox as JSON."""
    table_jobs = {job.name: {"every_ms": job.every, "leased": job.leased} for job in periodic}
    return {
        "jobs": [
            {"name": name, **table_jobs.get(name, {}), **(_plain(asdict(states[name])) if name in states else {})}
            for name in (*table_jobs, *sorted(states.keys() - table_jobs))
        ],
        "outbox": {
            "counts": [_plain(count._asdict()) for count in counts],
            "open": [_plain({**asdict(row), "id": str(row.id)}) for row in rows],
        },
    }


def _plain(values: dict[str, Any]) -> dict[str, Any]:
    """Values of JSON: outcomes by name, instants as text."""
    instants = {"not_before", "lease_until", "oldest"}

    def plain(name: str, value: Any) -> Any:
        if name == "outcome":
            return value and value.value
        return _utc(value) if value is not None and (name in instants or name.endswith("_at")) else value

    return {name: plain(name, value) for name, value in values.items()}


# --- decisions --------------------------------------------------------------------------------------------------------


@commands.command("retry")
def retry(context: typer.Context, organization: OrganizationName, row: RowName, database: Database = None) -> None:
    """Attempt a failed or undecided row of the outbox again, at once.

    If an undecided row was done already, this does it twice.

    Example: hymio jobs retry "Acme" 7.1
    """
    from hymio import manage
    from hymio.store.outbox import OutboxId

    with changing(context, database, organization) as (_, operator, batch):
        before = manage.retry_outbox_row(batch, operator, OutboxId.parsed(row), now=batch.now)
    say(f"Row {escape(row)} was {before.value} and will be attempted again.")


@commands.command("discard")
def discard(
    context: typer.Context, organization: OrganizationName, row: RowName, yes: Yes = False, database: Database = None
) -> None:
    """Mark a failed or undecided row of the outbox as discarded, so that it is never attempted again.

    Example: hymio jobs discard "Acme" 7.1
    """
    from hymio import manage
    from hymio.store.outbox import OutboxId

    ask("Discard the row for good?", yes=yes)
    with changing(context, database, organization) as (_, operator, batch):
        before = manage.discard_outbox_row(batch, operator, OutboxId.parsed(row), now=batch.now)
    say(f"Row {escape(row)} was {before.value} and is discarded.")
