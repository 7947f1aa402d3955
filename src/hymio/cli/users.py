"""`hymio user`: accounts of people who read an organization's results."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape

from hymio.access import Role
from hymio.cli.command import (
    Database,
    OrganizationName,
    Yes,
    ask,
    changing,
    hint,
    loaded,
    opened,
    operator_of,
    say,
)
from hymio.cli.listing import Column, Fit, Listing, Shown, listing
from hymio.user import LoginMethod

if TYPE_CHECKING:
    from hymio.user import User

commands = typer.Typer(no_args_is_help=True, help="Add users, change them, invite them, and remove them.")


class Rank(StrEnum):
    """The roles of users."""

    USER = "user"
    ADMIN = "admin"
    PARTNER = "partner"


class Login(StrEnum):
    """How a user logs in."""

    PASSWORD = "password"  # noqa: S105  the name of a method
    SINGLE_SIGN_ON = "sso"


_METHODS = {Login.PASSWORD: LoginMethod.EMAIL_PASSWORD, Login.SINGLE_SIGN_ON: LoginMethod.SINGLE_SIGN_ON}

UserName = Annotated[
    str, typer.Argument(metavar="USER", help="E-mail address or number of the user", show_default=False)
]
_Root = Annotated[
    str | None, typer.Option("--at", metavar="NODE", help="Scope: this node and everything below", show_default=False)
]


@commands.command("add")
def add(
    context: typer.Context,
    organization: OrganizationName,
    email: Annotated[str, typer.Argument(help="E-mail address, unique in the organization", show_default=False)],
    first_name: Annotated[str, typer.Argument(help="First name", show_default=False)],
    last_name: Annotated[str, typer.Argument(help="Last name", show_default=False)],
    at: _Root = None,
    role: Annotated[Rank, typer.Option(help="Role")] = Rank.USER,
    locale: Annotated[str, typer.Option(metavar="LOCALE", help="Language with an optional country")] = "en-US",
    login: Annotated[Login, typer.Option(help="Login method")] = Login.PASSWORD,
    allowed: Annotated[bool, typer.Option("--allowed/--not-allowed", help="Whether the user may log in")] = True,
    database: Database = None,
) -> None:
    """Add a user. Without --at the scope is the whole tree.

    Example: hymio user add "Acme" jane.doe@example.com Jane Doe --at "Finland" --role admin
    """
    from hymio import manage
    from hymio.cli import naming
    from hymio.errors import SetupError
    from hymio.locale import parse_locale

    with changing(context, database, organization) as (_, operator, batch):
        node = batch.layout.hierarchy.root if at is None else naming.node_of(batch.layout, at)
        if node is None:
            raise SetupError(
                "user-without-node", "a user sees a node of the tree; add one first with: hymio node add-group"
            )
        number = manage.add_user(
            batch, operator, email, first_name, last_name, node.id, Role[role.name], parse_locale(locale),
            _METHODS[login], login_allowed=allowed, now=batch.now,
        )  # fmt: skip
        path = batch.layout.hierarchy.path(node.id)
    say(f"User {number}: {escape(f'{first_name} {last_name} <{email}>')}, {role.value}, sees {escape(path)}")


_COLUMNS = (
    Column("user", Fit.KEY), Column("email"), Column("name"), Column("role", Fit.WORD), Column("node", Fit.DATA),
    Column("sees"), Column("locale", Fit.WORD), Column("login", Fit.WORD), Column("login_allowed", Fit.DATA),
    Column("created", Fit.WORD),
)  # fmt: skip


@commands.command("list")
@listing()
def list_all(context: typer.Context, organization: OrganizationName, database: Database = None) -> Listing:
    """List the users of an organization."""
    from hymio import manage
    from hymio.cli.instants import timestamp
    from hymio.period import wall_of, zone

    with opened(context, database) as store:
        operator = operator_of(manage.find_organization(store, organization))
        layout, existing = store.layout(operator.organization), manage.users(store, operator)
    utc = zone("UTC")
    rows = [
        (
            user.id, user.email, f"{user.first_name} {user.last_name}", user.role.value.lower(), user.node,
            layout.hierarchy.path(user.node), user.locale, _login(user), user.login_allowed,
            Shown(timestamp(user.created_at), f"{wall_of(user.created_at, utc):%Y-%m-%d}"),
        )
        for user in existing
    ]  # fmt: skip
    nothing = "There is no user yet. Add one with: hymio user add ORGANIZATION EMAIL FIRST_NAME LAST_NAME"
    return Listing("users", _COLUMNS, rows, nothing=nothing)


def _login(user: User) -> Shown:
    """How a user logs in, and for people whether it may."""
    word = next(word.value for word, method in _METHODS.items() if method is user.login_method)
    return Shown(word, word if user.login_allowed else "[dim]not allowed[/]")


@commands.command("edit")
def edit(
    context: typer.Context,
    organization: OrganizationName,
    user: UserName,
    email: Annotated[str | None, typer.Option(help="New e-mail address", show_default=False)] = None,
    first_name: Annotated[str | None, typer.Option(help="New first name", show_default=False)] = None,
    last_name: Annotated[str | None, typer.Option(help="New last name", show_default=False)] = None,
    at: _Root = None,
    role: Annotated[Rank | None, typer.Option(help="Role", show_default=False)] = None,
    locale: Annotated[str | None, typer.Option(metavar="LOCALE", help="Language", show_default=False)] = None,
    login: Annotated[Login | None, typer.Option(help="Login method", show_default=False)] = None,
    allowed: Annotated[
        bool | None, typer.Option("--allowed/--not-allowed", help="Whether the user may log in", show_default=False)
    ] = None,
    database: Database = None,
) -> None:
    """Change a user. Options that are not given stay unchanged.

    Example: hymio user edit "Acme" jane.doe@example.com --role admin --at "Sweden"
    """
    from dataclasses import replace

    from hymio import manage
    from hymio.cli import naming
    from hymio.locale import parse_locale

    with changing(context, database, organization) as (_, operator, batch):
        existing = naming.user_of(manage.users(batch, operator), user)
        changes = {
            "email": email,
            "first_name": first_name,
            "last_name": last_name,
            "node": None if at is None else naming.node_of(batch.layout, at).id,
            "role": None if role is None else Role[role.name],
            "locale": None if locale is None else parse_locale(locale),
            "login_method": None if login is None else _METHODS[login],
            "login_allowed": allowed,
        }
        changed = replace(existing, **{name: value for name, value in changes.items() if value is not None})  # type: ignore[arg-type]  # each of its field's type
        manage.edit_user(batch, operator, changed, now=batch.now)
        path = batch.layout.hierarchy.path(changed.node)
    person = f"{changed.first_name} {changed.last_name} <{changed.email}>"
    say(f"User {existing.id}: {escape(person)}, {changed.role.value.lower()}, sees {escape(path)}")


@commands.command("remove")
def remove(
    context: typer.Context, organization: OrganizationName, user: UserName, yes: Yes = False, database: Database = None
) -> None:
    """Remove a user. To only keep it out: hymio user edit ORGANIZATION USER --not-allowed

    Example: hymio user remove "Acme" jane.doe@example.com
    """
    from hymio import manage
    from hymio.cli import naming

    ask("Remove the user?", yes=yes)
    with changing(context, database, organization) as (_, operator, batch):
        existing = naming.user_of(manage.users(batch, operator), user)
        manage.remove_user(batch, operator, existing.id, now=batch.now)
    say(f"User {existing.id} {escape(existing.email)} is removed.")


@commands.command("invite")
def invite(context: typer.Context, organization: OrganizationName, user: UserName, database: Database = None) -> None:
    """Print a one-time link by which a user chooses a password and signs in. It lasts seven days.

    Example: hymio user invite "Acme" jane.doe@example.com
    """
    from hymio import manage
    from hymio.cli import naming

    with changing(context, database, organization) as (_, operator, batch):
        existing = naming.user_of(manage.users(batch, operator), user)
        link = manage.invite_user(batch, operator, existing.id, now=batch.now)
    _say_link(context, existing.email, link, "seven days")


@commands.command("reset")
def reset(context: typer.Context, organization: OrganizationName, user: UserName, database: Database = None) -> None:
    """Print a one-time link by which a user chooses a new password. It lasts one day.

    The old password does not work any more, and the user is signed out everywhere.

    Example: hymio user reset "Acme" jane.doe@example.com
    """
    from hymio import manage
    from hymio.cli import naming

    with changing(context, database, organization) as (_, operator, batch):
        existing = naming.user_of(manage.users(batch, operator), user)
        link = manage.reset_password(batch, operator, existing.id, now=batch.now)
    _say_link(context, existing.email, link, "one day")


@commands.command("disable")
def disable(
    context: typer.Context, organization: OrganizationName, user: UserName, yes: Yes = False, database: Database = None
) -> None:
    """Keep a user from signing in, and end its sessions and links. To undo it: edit it --allowed

    Example: hymio user disable "Acme" jane.doe@example.com
    """
    from hymio import manage
    from hymio.cli import naming

    ask("Sign the user out everywhere, and let nobody in?", yes=yes)
    with changing(context, database, organization) as (_, operator, batch):
        existing = naming.user_of(manage.users(batch, operator), user)
        manage.disable_user(batch, operator, existing.id, now=batch.now)
    say(f"User {existing.id} {escape(existing.email)} cannot sign in any more.")


def _say_link(context: typer.Context, email: str, link: str, lasts: str) -> None:
    """Prints a one-time link."""
    say(f"A link for {escape(email)}, which works once and for {lasts}:\n")
    say(escape(f"  {loaded(context).public_url}/password?link={link}"))
    hint("\nSend it only to this person. It is stored as a hash and cannot be shown again.")
