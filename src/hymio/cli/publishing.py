"""`hymio smiley publish`, `withdraw` and `renew`: whether and at which addresses a digital smiley is on the web."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape

from hymio.cli.command import Database, OrganizationName, Yes, ask, changing, hint, loaded, quoted, say
from hymio.cli.listing import Column, Fit, Listing, Listings, listing

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hymio.manage import Batch
    from hymio.setup import Layout
    from hymio.smiley import Publication, Smiley

_COLUMNS = (
    Column("smiley", Fit.KEY), Column("serial", Fit.WORD), Column("name"), Column("page"), Column("token"),
    Column("origins"), Column("answer_interval_ms", Fit.NUMBER), Column("installing", Fit.WORD),
    Column("work_bits", Fit.NUMBER), Column("mail"), Column("tag"), Column("published_tag"),
    Column("withdrawn", Fit.WORD),
)  # fmt: skip


_Smiley = Annotated[
    str, typer.Argument(metavar="SMILEY", help="Serial, name or number of the smiley", show_default=False)
]


@listing()
def publish(
    context: typer.Context,
    organization: OrganizationName,
    smiley: _Smiley,
    token: Annotated[
        str | None,
        typer.Option(metavar="HEX", help="Token of a smiley that moves in, so that its tags stay", show_default=False),
    ] = None,
    origins: Annotated[
        list[str] | None,
        typer.Option("--origin", metavar="URL", help="Only pages of these origins may send", show_default=False),
    ] = None,
    any_origin: Annotated[bool, typer.Option("--any-origin", help="Pages of all origins may send again")] = False,
    interval: Annotated[
        int | None,
        typer.Option(help="Seconds in which a visitor counts once", min=0, show_default=False),
    ] = None,
    policy_interval: Annotated[
        bool, typer.Option("--policy-interval", help="The answer interval of the policy again")
    ] = False,
    installing: Annotated[
        bool | None,
        typer.Option("--installing/--live", help="Presses are tests and left out, or count", show_default=False),
    ] = None,
    work_bits: Annotated[
        int | None,
        typer.Option(help="Proof of work: zero bits that a browser must find; 0: none", min=0, show_default=False),
    ] = None,
    database: Database = None,
) -> Listings:
    """Publish a digital smiley on the web, or change how it is published; print its link and tags.

    Example: hymio smiley publish "Acme" WEB-1 --origin https://shop.example --interval 3600
    """
    from hymio import manage
    from hymio.cli import naming

    with changing(context, database, organization) as (_, operator, batch):
        chosen = naming.smiley_of(batch.layout, smiley)
        published = manage.publish_smiley(batch, operator, chosen.id, token, now=batch.now)
        changed = replace(
            published,
            origins=() if any_origin else tuple(origins or published.origins),
            answer_interval=None if policy_interval else published.answer_interval if interval is None else interval,
            is_installing=published.is_installing if installing is None else installing,
            work_bits=published.work_bits if work_bits is None else work_bits,
        )
        manage.edit_publication(batch, operator, chosen.id, changed, now=batch.now)
        question, locale = _question(batch, chosen.id)
    return _listings(loaded(context).public_url, chosen, changed, question, locale)


def withdraw(
    context: typer.Context,
    organization: OrganizationName,
    smiley: _Smiley,
    yes: Yes = False,
    database: Database = None,
) -> None:
    """Take a published smiley from the web. Its page, tags and buttons show nothing until it is published again.

    Example: hymio smiley withdraw "Acme" WEB-1
    """
    from hymio import manage
    from hymio.cli import naming

    ask("Take the smiley from the web?", yes=yes)
    with changing(context, database, organization) as (_, operator, batch):
        chosen = naming.smiley_of(batch.layout, smiley)
        manage.withdraw_smiley(batch, operator, chosen.id, now=batch.now)
    say(f"Smiley {chosen.id}, {chosen.serial} {escape(chosen.name)} is not on the web any more.")
    hint(f"The same addresses work again after: hymio smiley publish {quoted(organization)} {chosen.serial}")


@listing()
def renew(
    context: typer.Context,
    organization: OrganizationName,
    smiley: _Smiley,
    yes: Yes = False,
    database: Database = None,
) -> Listings:
    """Give a published smiley new addresses, as after a link leaked. The old ones show nothing any more.

    Tags, posters and e-mails with the old addresses have to be replaced.

    Example: hymio smiley renew "Acme" WEB-1
    """
    from hymio import manage
    from hymio.cli import naming

    ask("End the smiley's present addresses for good?", yes=yes)
    with changing(context, database, organization) as (_, operator, batch):
        chosen = naming.smiley_of(batch.layout, smiley)
        renewed = manage.renew_addresses(batch, operator, chosen.id, now=batch.now)
        question, locale = _question(batch, chosen.id)
    return _listings(loaded(context).public_url, chosen, renewed, question, locale)


def _listings(base_url: str, smiley: Smiley, publication: Publication, question: str, locale: str) -> Listings:
    """How a smiley is published, with its link and its tags."""
    from hymio.handouts.addresses import mail_address, page_address, published_tag, tag

    interval = publication.answer_interval
    row = (
        smiley.id, smiley.serial, smiley.name, page_address(base_url, publication), publication.token,
        publication.origins, None if interval is None else interval * 1000, publication.is_installing,
        publication.work_bits, mail_address(base_url, publication, 0, "FIELD"),
        tag(base_url, publication, question), published_tag(base_url, publication, locale),
        publication.is_withdrawn,
    )  # fmt: skip
    part = Listing("smiley", _COLUMNS, [row], is_one=True)
    return Listings((part,), lambda: _lines(smiley, publication, *map(str, (row[3], *row[9:12]))))


def _lines(
    smiley: Smiley, publication: Publication, page: str, mail: str, tag: str, published_tag: str
) -> Iterator[str]:
    """What people read of a published smiley."""
    interval = publication.answer_interval
    where = "is withdrawn from the web; publish brings it back" if publication.is_withdrawn else "is on the web"
    yield f"Smiley {smiley.id}, {escape(smiley.serial)} {escape(smiley.name)} {where}.\n"
    yield f"  page      {escape(page)}"
    yield f"  token     {publication.token}"
    yield f"  origins   {escape(', '.join(publication.origins) or 'all')}"
    yield f"  interval  {'the policy’s' if interval is None else f'{interval} s'}"
    yield f"  presses   {'are tests and left out' if publication.is_installing else 'count'}"
    if publication.work_bits:
        yield f"  work      {publication.work_bits} bits"
    yield "\n[dim]For a button in an e-mail, here the most negative one; FIELD is the mail service’s merge field:[/]"
    yield escape(mail)
    yield "\n[dim]For a web page:[/]"
    yield escape(tag)
    yield "\n[dim]Or, where a page has the published tag already, only with another host:[/]"
    yield escape(published_tag)


def _question(batch: Batch, smiley: int) -> tuple[str, str]:
    """What the smiley asks now, in the default locale, and that locale; a text of Hymio's where it asks nothing."""
    from hymio.feedback import Verdict

    layout: Layout = batch.layout
    resolved = layout.resolve(smiley, batch.now)
    if isinstance(resolved, Verdict):
        return "How was it?", "en-US"
    wording = batch.content.question(layout.surveys[resolved.assignment.survey]).wording
    return wording.text, wording.default_locale
