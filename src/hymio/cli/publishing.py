"""`hymio smiley publish`, `withdraw` and `renew`: whether and at which addresses a digital smiley is on the web."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape

from hymio.cli.command import Database, OrganizationName, changing, hint, loaded, quoted, say

if TYPE_CHECKING:
    from hymio.manage import Batch
    from hymio.setup import Layout
    from hymio.smiley import Publication


_Smiley = Annotated[
    str, typer.Argument(metavar="SMILEY", help="Serial, name or number of the smiley", show_default=False)
]


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
) -> None:
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
    say(f"Smiley {chosen.id}, {chosen.serial} {escape(chosen.name)} is on the web.\n")
    _show(loaded(context).public_url, changed, question, locale)


def withdraw(
    context: typer.Context, organization: OrganizationName, smiley: _Smiley, database: Database = None
) -> None:
    """Take a published smiley from the web. Its page, tags and buttons show nothing until it is published again.

    Example: hymio smiley withdraw "Acme" WEB-1
    """
    from hymio import manage
    from hymio.cli import naming

    with changing(context, database, organization) as (_, operator, batch):
        chosen = naming.smiley_of(batch.layout, smiley)
        manage.withdraw_smiley(batch, operator, chosen.id, now=batch.now)
    say(f"Smiley {chosen.id}, {chosen.serial} {escape(chosen.name)} is not on the web any more.")
    hint(f"The same addresses work again after: hymio smiley publish {quoted(organization)} {chosen.serial}")


def renew(context: typer.Context, organization: OrganizationName, smiley: _Smiley, database: Database = None) -> None:
    """Give a published smiley new addresses, as after a link leaked. The old ones show nothing any more.

    Tags, posters and e-mails with the old addresses have to be replaced.

    Example: hymio smiley renew "Acme" WEB-1
    """
    from hymio import manage
    from hymio.cli import naming

    with changing(context, database, organization) as (_, operator, batch):
        chosen = naming.smiley_of(batch.layout, smiley)
        renewed = manage.renew_addresses(batch, operator, chosen.id, now=batch.now)
        question, locale = _question(batch, chosen.id)
    say(f"Smiley {chosen.id}, {chosen.serial} {escape(chosen.name)} has new addresses.\n")
    _show(loaded(context).public_url, renewed, question, locale)


def _show(base_url: str, publication: Publication, question: str, locale: str) -> None:
    """Prints how a smiley is published, its link and its tags."""
    from hymio.handouts.addresses import mail_address, page_address, published_tag, tag

    interval = publication.answer_interval
    say(f"  page      {page_address(base_url, publication)}")
    say(f"  token     {publication.token}")
    say(f"  origins   {', '.join(publication.origins) or 'all'}")
    say(f"  interval  {'the policy’s' if interval is None else f'{interval} s'}")
    if publication.is_withdrawn:
        say("  withdrawn")
    say(f"  presses   {'are tests and left out' if publication.is_installing else 'count'}")
    if publication.work_bits:
        say(f"  work      {publication.work_bits} bits")
    hint("\nFor a button in an e-mail, here the most negative one; MERGE-FIELD is other for each recipient:")
    say(escape(mail_address(base_url, publication, 0, "MERGE-FIELD")))
    hint("\nFor a web page:")
    say(escape(tag(base_url, publication, question)))
    hint("\nOr, where a page has the published tag already, only with another host:")
    say(escape(published_tag(base_url, publication, locale)))


def _question(batch: Batch, smiley: int) -> tuple[str, str]:
    """What the smiley asks now, in the default locale, and that locale; a text of Hymio's where it asks nothing."""
    from hymio.feedback import Verdict

    layout: Layout = batch.layout
    resolved = layout.resolve(smiley, batch.now)
    if isinstance(resolved, Verdict):
        return "How was it?", "en-US"
    wording = batch.content.question(layout.surveys[resolved.assignment.survey]).wording
    return wording.text, wording.default_locale
