"""`hymio report`: a report in the terminal, as JSON, or a table as CSV; `hymio spam`: which of its texts are spam."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from hymio.cli.command import Database, OrganizationName, changing, how_many, opened, operator_of, say
from hymio.clock import now

if TYPE_CHECKING:
    from hymio.manage import Organization
    from hymio.store import Store

NodeName = Annotated[
    str, typer.Argument(metavar="NODE", help="Number, name or end of the path of the node", show_default=False)
]


def report(
    context: typer.Context,
    node: NodeName,
    period: Annotated[
        str,
        typer.Argument(
            metavar="PERIOD",
            help="last-week, last-7-days, this-month, 2025, 2025-q2, 2025-06, 2025-06-30 or 2025-06-01..2025-06-30",
        ),
    ] = "last-28-days",
    organization: Annotated[
        str | None,
        typer.Option(metavar="ORGANIZATION", help="Name or number; needed if there are several", show_default=False),
    ] = None,
    survey: Annotated[
        str | None,
        typer.Option(
            metavar="SURVEY", help="Number or question; otherwise the one with the most answers", show_default=False
        ),
    ] = None,
    compare: Annotated[
        str | None, typer.Option(help="previous (period) or (a) year (before)", show_default=False)
    ] = None,
    smiley_type: Annotated[
        str | None, typer.Option(help="Only terminal, touch or digital smileys", show_default=False)
    ] = None,
    weekdays: Annotated[str | None, typer.Option(help="Only these: mon-fri or sat,sun", show_default=False)] = None,
    hours: Annotated[str | None, typer.Option(help="Only these: 8-11,14", show_default=False)] = None,
    text: Annotated[str | None, typer.Option(help="Only texts that contain this", show_default=False)] = None,
    text_language: Annotated[
        str | None, typer.Option(help="Only texts in: en, other (with a translation), unknown", show_default=False)
    ] = None,
    spam: Annotated[bool, typer.Option("--spam", help="List texts that are spam too")] = False,
    as_of: Annotated[int | None, typer.Option(help="As of this revision", min=1, show_default=False)] = None,
    as_json: Annotated[bool, typer.Option("--json", help="The whole report as JSON")] = False,
    csv: Annotated[
        str | None,
        typer.Option(metavar="TABLE", help="One table as CSV: about, trend, children, texts, …", show_default=False),
    ] = None,
    database: Database = None,
) -> None:
    """Show the report of a node in a period: index, trend, heat map, ranking, answers, misuse and completeness.

    Examples: hymio report "Finland" last-month --compare previous · hymio report 1 2025 --csv trend
    """
    from dataclasses import replace

    from hymio import report as reports
    from hymio.cli.naming import node_of, survey_of
    from hymio.report.files import as_csv
    from hymio.report.files import as_json as json_of
    from hymio.report.terminal import as_text

    with opened(context, database) as store:
        chosen = _organization(store, organization)
        layout = store.layout(chosen.id)
        given = {"period": period, "compare": compare, "smileyType": smiley_type, "weekdays": weekdays, "hours": hours,
                 "text": text, "textLanguage": text_language}  # fmt: skip
        words = {name: value for name, value in given.items() if value is not None}
        query = reports.parse_query(node_of(layout, node).id, words)
        is_whole = as_json or csv is not None
        query = replace(
            query,
            survey=None if survey is None else survey_of(layout, store.content(chosen.id), survey).id,
            texts=replace(query.texts, spam=spam, limit=None if is_whole else query.texts.limit),
            as_of=as_of,
            lists_hours=csv == "hours",
        )
        value = reports.build(store, operator_of(chosen), query, now())
    if csv is not None:
        _require_table(csv)
    output = json_of(value) if as_json else as_csv(value, csv) if csv is not None else as_text(value).encode()
    sys.stdout.buffer.write(output)
    sys.stdout.buffer.flush()


def spam(
    context: typer.Context,
    organization: OrganizationName,
    ids: Annotated[list[str], typer.Argument(metavar="ID...", help="Ids of feedback as in API v2", show_default=False)],
    is_none: Annotated[bool, typer.Option("--not", help="They are not spam")] = False,
    database: Database = None,
) -> None:
    """Say that texts are spam, or that they are not, whatever their source says.

    Example: hymio spam "Acme" 00000000-5000-8000-8000-000000000001 --not
    """
    from hymio import manage
    from hymio.cli.naming import feedback_ids

    wanted = feedback_ids(ids)
    with changing(context, database, organization) as (_, operator, batch):
        for feedback in wanted:
            manage.mark_spam(batch, operator, feedback, spam=not is_none, now=batch.now)
    say(f"{how_many(len(wanted), 'text')}: {'not spam' if is_none else 'spam'}")


def _organization(store: Store, name: str | None) -> Organization:
    """The organization with a name or number, or the only one. SetupError."""
    from hymio import manage
    from hymio.errors import SetupError

    if name is not None:
        return manage.find_organization(store, name)
    existing = list(manage.organizations(store))
    if len(existing) != 1:
        names = ", ".join(f"{one.id} {one.name!r}" for one in existing[:20]) or "none"
        raise SetupError("say-organization", "say --organization with one of: {known}", known=names)
    return existing[0]


def _require_table(name: str) -> None:
    """SetupError unless a report has a table with this name."""
    from hymio.errors import SetupError
    from hymio.report.tables import TABLE_NAMES

    if name not in TABLE_NAMES:
        raise SetupError(
            "unknown-table", "there is no table {name!r}; there are: {known}", name=name, known=", ".join(TABLE_NAMES)
        )
