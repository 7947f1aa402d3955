"""`hymio smiley tag`, `link`, `mail`, `qr` and `poster`: what shows a published smiley elsewhere."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from hymio.cli.command import Database, OrganizationName, hint, loaded, opened, say
from hymio.clock import now

if TYPE_CHECKING:
    from hymio.access import Principal
    from hymio.handouts.offer import Offer
    from hymio.smiley import Publication
    from hymio.store import Store

_Smiley = Annotated[
    str, typer.Argument(metavar="SMILEY", help="Serial, name or number of a published smiley", show_default=False)
]
_Locale = Annotated[
    str | None, typer.Option(metavar="LOCALE", help="Otherwise the default of the question", show_default=False)
]


class Sheet(StrEnum):
    """Sizes of posters."""

    A3 = "a3"
    A4 = "a4"
    A5 = "a5"
    TENT = "tent"


def tag(context: typer.Context, organization: OrganizationName, smiley: _Smiley, database: Database = None) -> None:
    """Print the tag of a published smiley for web pages.

    Example: hymio smiley tag "Acme" WEB-1
    """
    from hymio.handouts import addresses

    shown = _offer(context, database, organization, smiley)
    typer.echo(addresses.tag(shown.base_url, shown.publication, shown.wording.text))


def link(context: typer.Context, organization: OrganizationName, smiley: _Smiley, database: Database = None) -> None:
    """Print the address of the page of a published smiley.

    Example: hymio smiley link "Acme" WEB-1
    """
    from hymio.handouts.addresses import page_address

    typer.echo(page_address(*_published(context, database, organization, smiley)))


def mail(
    context: typer.Context,
    organization: OrganizationName,
    smiley: _Smiley,
    field: Annotated[
        str, typer.Argument(metavar="MERGE-FIELD", help="What the mail service replaces, another for each recipient")
    ],
    locale: _Locale = None,
    whole: Annotated[bool, typer.Option("--whole", help="A whole HTML document, not only its part")] = False,
    database: Database = None,
) -> None:
    """Print the buttons of a published smiley as HTML for e-mails. Only a press on the page that they open counts.

    Example: hymio smiley mail "Acme" WEB-1 '*|UNIQID|*' > buttons.html
    """
    from hymio.handouts.mail import mail_html, mail_page

    shown = _offer(context, database, organization, smiley)
    [chosen] = shown.locales((locale,) if locale else ())
    typer.echo((mail_page if whole else mail_html)(shown, field, chosen), nl=False)


def qr(
    context: typer.Context,
    organization: OrganizationName,
    smiley: _Smiley,
    file: Annotated[
        Path | None, typer.Argument(metavar="FILE", help="A file to write, .svg or .png", show_default=False)
    ] = None,
    database: Database = None,
) -> None:
    """Show the QR code of a published smiley in the terminal, or write it to a file.

    Examples: hymio smiley qr "Acme" WEB-1 · hymio smiley qr "Acme" WEB-1 code.svg
    """
    from hymio.errors import SetupError
    from hymio.handouts.addresses import qr_address
    from hymio.handouts.qr import qr_png, qr_svg, qr_text

    address = qr_address(*_published(context, database, organization, smiley))
    if file is None:
        typer.echo(qr_text(address))
        typer.echo(address)
    elif file.suffix in (".svg", ".png"):
        _write(file, (qr_svg if file.suffix == ".svg" else qr_png)(address))
    else:
        raise SetupError("qr-file-type", "got file {file}; accepted are names that end with .svg or .png", file=file)


def poster(
    context: typer.Context,
    organization: OrganizationName,
    smiley: _Smiley,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The PDF file to write", show_default=False)],
    paper: Annotated[Sheet, typer.Option(help="The size; a tent is an A4 sheet to be folded")] = Sheet.A4,
    locales: Annotated[
        list[str] | None,
        typer.Option("--locale", metavar="LOCALE", help="The first one is the largest; up to four", show_default=False),
    ] = None,
    database: Database = None,
) -> None:
    """Write a poster of a published smiley with its question, faces and QR code, to be printed.

    Example: hymio smiley poster "Acme" WEB-1 poster.pdf --paper a3 --locale fi --locale en-US
    """
    from hymio.handouts.poster import Paper
    from hymio.handouts.poster import poster as made

    shown = _offer(context, database, organization, smiley)
    _write(file, made(shown, locales or (), Paper(paper.value), now()))


def _offer(context: typer.Context, database: str | None, organization: str, smiley: str) -> Offer:
    """A smiley as its handouts show it. SetupError if it asks nothing."""
    from hymio.handouts.offer import offer

    with _chosen(context, database, organization, smiley) as (store, operator, number):
        return offer(store, operator, _base_url(context), number, now())


def _published(context: typer.Context, database: str | None, organization: str, smiley: str) -> tuple[str, Publication]:
    """The server's public address, and how a smiley is published, whether or not it asks anything yet."""
    from hymio.handouts.offer import publication_of

    with _chosen(context, database, organization, smiley) as (store, operator, number):
        layout = store.layout(operator.organization)
        return _base_url(context), publication_of(layout, operator, number, now())


@contextmanager
def _chosen(
    context: typer.Context, database: str | None, organization: str, smiley: str
) -> Iterator[tuple[Store, Principal, int]]:
    """The open store, the operator of the organization, and the number of the smiley."""
    from hymio.access import operator
    from hymio.cli.naming import smiley_of
    from hymio.manage import find_organization

    with opened(context, database) as store:
        chosen = operator(find_organization(store, organization).id)
        named = smiley_of(store.layout(chosen.organization), smiley)
        if named.publication is not None and named.publication.is_withdrawn:
            hint("This smiley is withdrawn: its addresses show nothing until it is published again.")
        yield store, chosen, named.id


def _base_url(context: typer.Context) -> str:
    """The server's public address; warns on stderr where no other machine reaches it."""
    base_url = loaded(context).public_url
    if base_url.startswith(("http://127.", "http://localhost")):
        hint(f"Other machines do not reach {base_url}: set base_url in hymio.toml, or HYMIO_BASE_URL.")
    return base_url


def _write(file: Path, content: bytes) -> None:
    file.write_bytes(content)
    say(f"{file} is written, {len(content):,} bytes.")
