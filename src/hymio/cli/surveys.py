"""`hymio survey`: surveys with their scales, follow-up questions, translations, assignments and active periods."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Annotated

import typer
from rich.markup import escape

from hymio.cli.command import (
    Archived,
    Database,
    OrganizationName,
    Undo,
    Yes,
    ask,
    changing,
    confirm,
    hint,
    opened,
    operator_of,
    say,
    say_removal,
)
from hymio.cli.listing import Cell, Column, Fit, Listing, Shown, listing
from hymio.cli.taking_effect import offer_resettle, release_line, resettle_line
from hymio.scale import IndexType, Scale
from hymio.survey import ActivePeriod

commands = typer.Typer(no_args_is_help=True, help="Create surveys and assign them to experience points.")

SurveyName = Annotated[
    str, typer.Argument(metavar="SURVEY", help="Number or question of the survey", show_default=False)
]
_Locale = Annotated[str, typer.Option(metavar="LOCALE", help="Language of the texts, in BCP 47")]


@commands.command("add")
def add(
    context: typer.Context,
    organization: OrganizationName,
    question: Annotated[str, typer.Argument(help="Text of the question", show_default=False)],
    scale: Annotated[Scale, typer.Option(help="The buttons; nps is 0 to 10")] = Scale.FOUR,
    index: Annotated[
        IndexType | None,
        typer.Option(
            help="Index of the results; otherwise NPS for the scale nps, HAPPY for others",
            case_sensitive=False,
            show_default=False,
        ),
    ] = None,
    locale: _Locale = "en-US",
    database: Database = None,
) -> None:
    """Add a survey: a question with a scale.

    Example: hymio survey add "Acme" "How was your visit?" --scale four
    """
    from hymio import manage
    from hymio.locale import parse_locale
    from hymio.survey import Localized

    locale = parse_locale(locale)
    with changing(context, database, organization) as (_, operator, batch):
        question_id = manage.add_question(batch, operator, Localized(locale, {locale: question}), now=batch.now)
        chosen = index or (IndexType.NPS if scale is Scale.NPS else IndexType.HAPPY)
        survey = manage.add_survey(batch, operator, question_id, scale, chosen, now=batch.now)
    say(f"Survey {survey}: {escape(question)} [dim]({scale.code}, {chosen.value})[/]")


@commands.command("ask")
@listing()
def set_flow(
    context: typer.Context,
    organization: OrganizationName,
    survey: SurveyName,
    text: Annotated[bool | None, typer.Option("--text/--no-text", help="An open text", show_default=False)] = None,
    contact: Annotated[
        bool | None, typer.Option("--contact/--no-contact", help="Contact details", show_default=False)
    ] = None,
    metadata: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME", help="Metadata of pages that is accepted, instead of before", show_default=False),
    ] = None,
    no_metadata: Annotated[bool, typer.Option("--no-metadata", help="Accept none any more")] = False,
    consent: Annotated[
        str | None, typer.Option(help="Text beside the contact details, in --locale", show_default=False)
    ] = None,
    locale: _Locale = "en-US",
    database: Database = None,
) -> Listing:
    """Set what a survey asks for on the web after its follow-ups, and which metadata of pages it accepts.

    Example: hymio survey ask "Acme" 1 --text --contact --metadata refId --consent "Only to answer you."
    """
    from hymio import manage
    from hymio.cli.naming import survey_of
    from hymio.locale import parse_locale
    from hymio.survey import Localized

    locale = parse_locale(locale)
    with changing(context, database, organization) as (_, operator, batch):
        chosen = survey_of(batch.layout, batch.content, survey)
        before = batch.content.flow(chosen.id)
        wording = before.consent
        if consent is not None:
            texts = {} if wording is None else dict(wording.texts)
            wording = Localized(wording.default_locale if wording else locale, texts | {locale: consent})
        flow = replace(
            before,
            asks_text=before.asks_text if text is None else text,
            asks_contact=before.asks_contact if contact is None else contact,
            metadata=() if no_metadata else tuple(dict.fromkeys(metadata or before.metadata)),
            consent=wording,
        )
        manage.set_flow(batch, operator, flow, now=batch.now)
    columns = Column("survey", Fit.KEY), Column("text"), Column("contact"), Column("metadata"), Column("consent")
    texts = {} if flow.consent is None else dict(flow.consent.texts)
    return Listing("flow", columns, [(chosen.id, flow.asks_text, flow.asks_contact, flow.metadata, texts)], is_one=True)


@commands.command("followup")
def followup(
    context: typer.Context,
    organization: OrganizationName,
    survey: SurveyName,
    question: Annotated[str, typer.Argument(help="Text of the follow-up question", show_default=False)],
    options: Annotated[list[str], typer.Argument(metavar="OPTION...", help="One to six answers", show_default=False)],
    positive: Annotated[bool, typer.Option("--positive/--negative", help="The buttons before it")] = False,
    locale: _Locale = "en-US",
    database: Database = None,
) -> None:
    """Add a follow-up question with up to six options.

    Example: hymio survey followup "Acme" 1 "What was missing?" "The product" "The price" --negative
    """
    from hymio import manage
    from hymio.cli.naming import survey_of
    from hymio.locale import parse_locale
    from hymio.survey import Localized

    locale = parse_locale(locale)
    with changing(context, database, organization) as (_, operator, batch):
        chosen = survey_of(batch.layout, batch.content, survey)
        wordings = [Localized(locale, {locale: text}) for text in options]
        wording = Localized(locale, {locale: question})
        followup, numbers = manage.add_followup(
            batch, operator, chosen.id, positive=positive, wording=wording, options=wordings, now=batch.now
        )
    option_list = ", ".join(f"{number} {option}" for number, option in zip(numbers, options, strict=True))
    say(f"Follow-up question {followup} of survey {chosen.id}, with options {escape(option_list)}")


@commands.command("translate")
def translate(
    context: typer.Context,
    organization: OrganizationName,
    survey: SurveyName,
    locale: Annotated[str, typer.Argument(help="Language with an optional country: fi, sv-FI", show_default=False)],
    text: Annotated[str, typer.Argument(help="The text in that language", show_default=False)],
    followup: Annotated[
        str | None,
        typer.Option(metavar="FOLLOWUP", help="Translate this follow-up question (text or number)", show_default=False),
    ] = None,
    option: Annotated[
        str | None, typer.Option(metavar="OPTION", help="Translate this option (text or number)", show_default=False)
    ] = None,
    database: Database = None,
) -> None:
    """Set the text of a survey's question, or of one of its follow-up questions or options, in a language.

    An existing text in that language is replaced.

    Example: hymio survey translate "Acme" 1 fi "Millainen oli käyntinne?"

    Example: hymio survey translate "Acme" 1 fi "Hinta" --option "The price"
    """
    from hymio import manage
    from hymio.cli import naming
    from hymio.errors import SetupError
    from hymio.locale import parse_locale

    if followup is not None and option is not None:
        raise SetupError("followup-or-option", "--followup and --option: a text is of the one or the other")
    language = parse_locale(locale)
    with changing(context, database, organization) as (_, operator, batch):
        chosen = naming.survey_of(batch.layout, batch.content, survey)
        if followup is not None:
            what, key = "Follow-up question", naming.followup_of(batch.content, chosen, followup).id
            manage.localize_followup_question(batch, operator, key, language, text, now=batch.now)
        elif option is not None:
            what, key = "Option", naming.option_of(batch.content, chosen, option).id
            manage.localize_followup_option(batch, operator, key, language, text, now=batch.now)
        else:
            what, key = "Question", chosen.question
            manage.localize_question(batch, operator, key, language, text, now=batch.now)
    say(f"{what} {key} of survey {chosen.id} in {language}: {escape(text)}")


@commands.command("rename")
def rename(
    context: typer.Context,
    organization: OrganizationName,
    survey: SurveyName,
    question: Annotated[str, typer.Argument(help="The new text of its question", show_default=False)],
    database: Database = None,
) -> None:
    """Change the text of a survey's question in its own language; translations stay.

    Example: hymio survey rename "Acme" 1 "How was your visit today?"
    """
    from hymio import manage
    from hymio.cli.naming import survey_of

    with changing(context, database, organization) as (_, operator, batch):
        chosen = survey_of(batch.layout, batch.content, survey)
        old = batch.content.question(chosen).wording
        manage.localize_question(batch, operator, chosen.question, old.default_locale, question, now=batch.now)
    say(f"Survey {chosen.id} {escape(old.text)} is {escape(question)} now.")


@commands.command("delete")
def delete(
    context: typer.Context,
    organization: OrganizationName,
    survey: SurveyName,
    undo: Undo = False,
    yes: Yes = False,
    database: Database = None,
) -> None:
    """Delete a survey with its follow-up questions; one that was answered is archived: it ends everywhere.

    Feedback stays, and so do results. Archived surveys are left out of listings; --undo lists them again.

    Example: hymio survey delete "Acme" 1
    """
    from hymio import manage
    from hymio.cli.naming import survey_of

    if not undo:
        ask("Delete the survey?", yes=yes)
    with changing(context, database, organization) as (_, operator, batch):
        chosen = survey_of(batch.layout, batch.content, survey)
        if undo:
            manage.unarchive(batch, operator, manage.Archivable.SURVEY, chosen.id, now=batch.now)
        else:
            what = manage.remove_survey(batch, operator, chosen.id, now=batch.now)
    say_removal(f"Survey {chosen.id}", None if undo else what)


@commands.command("assign")
def assign(
    context: typer.Context,
    organization: OrganizationName,
    survey: SurveyName,
    point: Annotated[str, typer.Argument(metavar="POINT", help="Experience point", show_default=False)],
    start: Annotated[
        str | None,
        typer.Option("--from", metavar="WHEN", help="Start in local time; otherwise today", show_default=False),
    ] = None,
    end: Annotated[
        str | None, typer.Option("--until", metavar="WHEN", help="End in local time, excluded", show_default=False)
    ] = None,
    smiley: Annotated[
        str | None, typer.Option(help="Only this smiley; otherwise all at the point", show_default=False)
    ] = None,
    database: Database = None,
) -> None:
    """Assign a survey to an experience point. Prints the key of the assignment in API v1.

    Example: hymio survey assign "Acme" 1 "Front door" --from 2025-01-01
    """
    from hymio import manage
    from hymio.cli import naming
    from hymio.survey import ActivePeriod

    with changing(context, database, organization) as (_, operator, batch):
        layout = batch.layout
        chosen, at = naming.survey_of(layout, batch.content, survey), naming.point_of(layout, point)
        first = naming.midnight(batch.now, layout.zone_of(at.id, batch.now)) if start is None else naming.wall(start)
        period = ActivePeriod(first, None if end is None else naming.wall(end))
        on = None if smiley is None else naming.smiley_of(layout, smiley).id
        key = manage.assign(batch, operator, at.id, chosen.id, [period], on, now=batch.now)
    verb = "will be" if period.start > naming.wall_now(layout, at.id, batch.now) else "is"
    say(f"Survey {chosen.id} {verb} asked at {escape(layout.hierarchy.path(at.id))}; its API v1 key is {key}.")
    if start is not None:
        hint(f"Presses that wait for this in quarantine are counted by: {release_line(organization)}")


_COLUMNS = (
    Column("v1_key", Fit.KEY), Column("survey", Fit.KEY), Column("question"), Column("scale", Fit.WORD),
    Column("node", Fit.DATA), Column("point"), Column("state", Fit.STATE),
)  # fmt: skip


@commands.command("list")
@listing()
def list_all(
    context: typer.Context, organization: OrganizationName, archived: Archived = False, database: Database = None
) -> Listing:
    """List the assignments: survey, point and state, with the keys of API v1."""
    from hymio import manage
    from hymio.clock import now
    from hymio.manage import Archivable

    with opened(context, database) as store:
        owner = manage.find_organization(store, organization)
        layout, content = store.layout(owner.id), store.content(owner.id)
        hidden = {} if archived else manage.archived(store, operator_of(owner))
    surveys, nodes = (hidden.get(kind, frozenset()) for kind in (Archivable.SURVEY, Archivable.NODE))
    rows = []
    for assignment in layout.assignments.values():
        if assignment.survey in surveys or nodes.intersection(
            (assignment.node, *layout.hierarchy.ancestors(assignment.node))
        ):
            continue
        survey = layout.surveys[assignment.survey]
        question, path = content.question(survey).wording.text, layout.hierarchy.path(assignment.node)
        state = layout.state(assignment.id, now()).value
        rows.append((assignment.id, survey.id, question, survey.scale.code, assignment.node, path, state))
    nothing = "No survey is asked anywhere yet. Assign one with: hymio survey assign ORGANIZATION SURVEY POINT"
    return Listing("assignments", _COLUMNS, rows, nothing=nothing)


Key = Annotated[int, typer.Argument(metavar="KEY", help="Key in API v1, as printed by `hymio survey list`")]


@commands.command("end")
def end_now(
    context: typer.Context,
    organization: OrganizationName,
    key: Key,
    end: Annotated[
        str | None,
        typer.Option("--at", metavar="WHEN", help="Local time; otherwise now", show_default=False),
    ] = None,
    yes: Yes = False,
    database: Database = None,
) -> None:
    """End a survey at a point. Later active periods are removed; stored feedback stays.

    Example: hymio survey end "Acme" 1 --at 2025-12-31T18:00
    """
    from hymio import manage
    from hymio.cli import naming
    from hymio.period import wall_of

    ask("End the survey there? Its later active periods are removed.", yes=yes)
    with changing(context, database, organization) as (_, operator, batch):
        assignment = naming.assignment_of(batch.layout, key)
        zone = batch.layout.zone_of(assignment.node, batch.now)
        last = wall_of(batch.now + 999, zone).replace(microsecond=0) if end is None else naming.wall(end)
        ended = [
            replace(period, end=last) if period.end is None or period.end > last else period
            for period in assignment.periods
        ]
        manage.set_periods(
            batch,
            operator,
            key,
            [period for period in ended if period.end is not None and period.start < period.end],
            now=batch.now,
        )
        point = batch.layout.hierarchy.path(assignment.node)
    is_ahead = last > wall_of(batch.now + 999, zone)
    verb = "will end" if is_ahead else "ended" if end is not None else "ends"
    say(f"The survey with key {key} {verb} at {last:%Y-%m-%d %H:%M:%S} on the clock there.")
    if not is_ahead:
        offer_resettle(organization, point, last.isoformat())


@commands.command("periods")
@listing()
def periods(
    context: typer.Context,
    organization: OrganizationName,
    key: Key,
    new_periods: Annotated[
        list[str] | None,
        typer.Argument(metavar="[PERIOD]...", help="START/END or START/ in local time", show_default=False),
    ] = None,
    database: Database = None,
) -> Listing:
    """Show the active periods of a survey at a point, or replace them all.

    Example: hymio survey periods "Acme" 1 2025-06-01/2025-09-01 2026-06-01/
    """
    from hymio import manage
    from hymio.cli import naming

    if not new_periods:
        with opened(context, database) as store:
            layout = store.layout(manage.find_organization(store, organization).id)
        return _periods_of(naming.assignment_of(layout, key).periods)
    with changing(context, database, organization) as (_, operator, batch):
        naming.assignment_of(batch.layout, key)
        manage.set_periods(batch, operator, key, [naming.active_period(text) for text in new_periods], now=batch.now)
        changed = naming.assignment_of(batch.layout, key)
        point = batch.layout.hierarchy.path(changed.node)
    after = f"For feedback stored already: {resettle_line(organization, point, 'WHEN')}"
    return replace(_periods_of(changed.periods), after=after)


def _periods_of(active_periods: Sequence[ActivePeriod]) -> Listing:
    """Active periods in local time; one without an end has none."""
    rows = [(_clock(period.start), _clock(period.end) or Shown(None, "further notice")) for period in active_periods]
    columns = Column("from", Fit.WORD), Column("until", Fit.WORD)
    return Listing("periods", columns, rows, nothing="The survey is asked there at no time.")


def _clock(at: datetime | None) -> Shown | None:
    """A time on the clocks of a point, for people to the minute."""
    return None if at is None else Shown(at.isoformat(), f"{at:%Y-%m-%d %H:%M}")


@commands.command("minimum")
@listing()
def minimum(
    context: typer.Context,
    organization: OrganizationName,
    answers: Annotated[
        int | None,
        typer.Argument(metavar="[ANSWERS]", help="1 withholds nothing; without it the settings are listed"),
    ] = None,
    survey: Annotated[
        str | None,
        typer.Option(metavar="SURVEY", help="Only this survey; otherwise all without a setting of their own"),
    ] = None,
    remove: Annotated[bool, typer.Option("--remove", help="Remove the setting")] = False,
    yes: Yes = False,
    database: Database = None,
) -> Listing:
    """Set how many answers a number of a report needs at least; below it the number is withheld.

    Without a setting it is 1 for surveys of customers and 5 for surveys of employees.
    Another number divides past months anew: who saw reports before and sees them after can compare both, and so learn
    of fewer answers than either shows. So the command asks first.

    Examples: hymio survey minimum "Acme" 5 · hymio survey minimum "Acme" 10 --survey 3
    """
    from hymio import manage
    from hymio.cli.naming import survey_of

    if answers is not None or remove:
        hint(
            "Past months are divided anew: who saw reports before and sees them after can compare both, and so learn"
            " of fewer answers than either shows."
        )
        confirm("Change the minimum?", yes=yes)
    with changing(context, database, organization) as (chosen, operator, batch):
        if answers is not None or remove:
            one = None if survey is None else survey_of(batch.layout, batch.content, survey).id
            manage.set_minimum_answers(batch, operator, one, None if remove else answers, now=batch.now)
        stored, layout, content = manage.minimum_answers(batch, operator), batch.layout, batch.content
    rows: list[tuple[Cell, ...]] = [(None, chosen.name, _least(stored.organization))]
    for key, least in sorted(stored.surveys.items()):
        rows.append((key, content.question(layout.surveys[key]).wording.text, _least(least)))
    columns = Column("survey", Fit.KEY), Column("of"), Column("answers", Fit.NUMBER, "at least")
    return Listing("minimum", columns, rows)


def _least(answers: int | None) -> Shown:
    """A minimum of answers."""
    return Shown(answers, "none set" if answers is None else f"{answers:,}")
