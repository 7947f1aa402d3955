"""`hymio jobs`: the periodic jobs and the outbox of the server; retries or discards failed and undecided rows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape

from hymio.cli.command import (
    Database,
    OrganizationName,
    Yes,
    ask,
    changing,
    loaded,
    opened,
    say,
)
from hymio.cli.instants import instant_text, timestamp
from hymio.cli.listing import Cell, Column, Fit, Listing, Listings, Shown, listing
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
_UNITS = (("ms", 1), ("s", 1_000), ("min", 60_000), ("h", 3_600_000), ("days", 86_400_000))


# --- listing ----------------------------------------------------------------------------------------------------------


_JOBS = (
    Column("name", Fit.WORD, "job"), Column("every_ms", Fit.WORD, "every"), Column("leased", Fit.DATA),
    Column("finished_at", heading="last run"), Column("outcome"), Column("detail", Fit.DATA),
    Column("due_at", heading="next run"), Column("attempts", Fit.DATA), Column("started_at", Fit.DATA),
    Column("lease_until", Fit.DATA), Column("holder", heading="process"),
)  # fmt: skip
_COUNTS = (
    Column("organization", Fit.DATA), Column("name", heading="organization"), Column("kind", heading="outbox"),
    Column("outcome", Fit.STATE), Column("rows", Fit.NUMBER), Column("oldest"),
)  # fmt: skip
_OPEN = (
    Column("organization", Fit.DATA), Column("name", heading="organization"), Column("id", Fit.WORD), Column("kind"),
    Column("attempts", Fit.NUMBER), Column("created_at", Fit.DATA), Column("not_before", Fit.DATA),
    Column("holder", Fit.DATA), Column("lease_until", Fit.DATA), Column("ended_at", heading="ended"),
    Column("outcome"), Column("detail", Fit.DATA),
)  # fmt: skip


@commands.callback(invoke_without_command=True)
@listing("jobs", "outbox.counts", "outbox.open")
def jobs(
    context: typer.Context,
    limit: Annotated[
        int, typer.Option(metavar="COUNT", help="Number of the newest failed and undecided rows to list", min=1)
    ] = 50,
    database: Database = None,
) -> Listings | None:
    """List the server's periodic jobs (interval, last run, next run, process) and the outbox.

    An undecided row may or may not have been done: its process stopped before it wrote the outcome.

    Examples: hymio jobs · hymio jobs retry "Acme" 7.1 · hymio jobs discard "Acme" 7.1
    """
    if context.invoked_subcommand is not None:
        return None
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
    after = (
        "Once you know whether it was done: hymio jobs retry ORGANIZATION ID, or: hymio jobs discard ORGANIZATION ID"
    )
    counted = [(*_named(names, row.organization), row.kind, *_count_cells(row)) for row in counts]
    return Listings(
        (
            _jobs(periodic, states),
            Listing("outbox.counts", _COUNTS, counted),
            Listing("outbox.open", _OPEN, [_open_row(row, names) for row in open_rows], after=after),
        )
    )


def _jobs(periodic: tuple[Job, ...], states: dict[str, JobState]) -> Listing:
    """The jobs, those of this version first."""
    by_name = {job.name: job for job in periodic}
    names = (*by_name, *sorted(states.keys() - by_name))
    return Listing("jobs", _JOBS, [(name, *_cells(by_name.get(name), states.get(name))) for name in names])


def _cells(job: Job | None, state: JobState | None) -> tuple[Cell, ...]:
    """The cells of a job after its name. `job` is None if this version lacks it."""
    every = (None, None) if job is None else (Shown(job.every, _period(job.every)), job.leased)
    if state is None:
        is_leased = job is not None and job.leased
        last, due = (Shown(None, "never"), Shown(None, "once a server runs")) if is_leased else (None, None)
        return *every, last, None, None, due, None, None, None, None if is_leased else Shown(None, "each")
    last = _moment(state.finished_at) or Shown(None, "never")
    outcome = _outcome(state.outcome, state.detail)
    due = Shown(timestamp(state.due_at), "" if job is None else _next(state))
    started, lease = _moment(state.started_at), _moment(state.lease_until)
    return *every, last, outcome, state.detail, due, state.attempts, started, lease, state.holder


def _next(state: JobState) -> str:
    """The next run of a job, or how long it has been running."""
    if state.holder is not None and state.started_at is not None:
        return f"running for {_span(now() - state.started_at)}"
    moment = _moment(state.due_at)
    return moment.text if moment else ""


def _count_cells(count: OutboxCount) -> tuple[Cell, ...]:
    """Outcome, number and the oldest of the rows of the outbox that are counted together."""
    outcome = Shown(None, "waiting") if count.outcome is None else count.outcome.value
    oldest = Shown(timestamp(count.oldest), _relative(count.oldest) if count.outcome is None else "")
    return outcome, count.rows, oldest


def _open_row(row: OutboxRow, names: dict[int, str]) -> tuple[Cell, ...]:
    """A failed or undecided row of the outbox."""
    began = timestamp(row.created_at), timestamp(row.not_before), row.holder, _moment(row.lease_until)
    ended = _moment(row.ended_at), _outcome(row.outcome, row.detail), row.detail
    return *_named(names, row.organization), str(row.id), row.kind, row.attempts, *began, *ended


def _named(names: dict[int, str], organization: int) -> tuple[int, str]:
    """Number and name of an organization; the number for both if it is unknown."""
    return organization, names.get(organization, str(organization))


def _outcome(outcome: Outcome | None, detail: str | None) -> Shown | None:
    """An outcome, for people in colour and with its detail."""
    if outcome is None:
        return None
    more = f" [dim]{escape(detail)}[/]" if detail else ""
    return Shown(outcome.value, f"[{_COLORS[outcome.value]}]{outcome.value}[/]{more}")


def _moment(at: Instant | None) -> Shown | None:
    """An instant, for people on two lines: relative to now, and in UTC."""
    if at is None:
        return None
    return Shown(timestamp(at), f"{_relative(at)}\n[dim]{instant_text(at)}[/]")


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
