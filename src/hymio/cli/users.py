"""`hymio user`: the people who look at an organization's results."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer
from rich.markup import escape

from hymio.access import Role
from hymio.cli.command import (
    RIGHT,
    WHOLE,
    Database,
    OrganizationName,
    changing,
    console,
    hint,
    opened,
    operator_of,
    say,
    table,
)
from hymio.user import LoginMethod

commands = typer.Typer(no_args_is_help=True, help="Add users, change them, and remove them.")


class Rank(StrEnum):
    """What a user may do."""

    USER = "user"
    ADMIN = "admin"
    PARTNER = "partner"


class Login(StrEnum):
    """How a user logs in."""

    PASSWORD = "password"  # noqa: S105  the name of a method
    SINGLE_SIGN_ON = "sso"


_METHODS = {Login.PASSWORD: LoginMethod.EMAIL_PASSWORD, Login.SINGLE_SIGN_ON: LoginMethod.SINGLE_SIGN_ON}

UserName = Annotated[str, typer.Argument(metavar="USER", help="Its email or number", show_default=False)]
_Root = Annotated[
    str | None, typer.Option("--at", metavar="NODE", help="It sees this node and all below", show_default=False)
]


@commands.command("add")
def add(
    context: typer.Context, organization: OrganizationName,
    email: Annotated[str, typer.Argument(help="Its email, unique in the organization", show_default=False)],
    first_name: Annotated[str, typer.Argument(help="Its first name", show_default=False)],
    last_name: Annotated[str, typer.Argument(help="Its last name", show_default=False)],
    at: _Root = None,
    role: Annotated[Rank, typer.Option(help="What it may do")] = Rank.USER,
    locale: Annotated[str, typer.Option(metavar="LOCALE", help="Its language, perhaps with a country")] = "en-US",
    login: Annotated[Login, typer.Option(help="How it logs in")] = Login.PASSWORD,
    allowed: Annotated[bool, typer.Option("--allowed/--not-allowed", help="Whether it may log in")] = True,
    database: Database = None,
) -> None:  # fmt: skip
    """Add a user. Without --at it sees the whole tree.

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
        made = manage.add_user(
            batch, operator, email, first_name, last_name, node.id, Role[role.name], parse_locale(locale),
            _METHODS[login], login_allowed=allowed, now=batch.now,
        )  # fmt: skip
        path = batch.layout.hierarchy.path(node.id)
    say(f"User {made}: {escape(f'{first_name} {last_name} <{email}>')}, {role.value}, sees {escape(path)}")


@commands.command("list")
def list_all(context: typer.Context, organization: OrganizationName, database: Database = None) -> None:
    """List the users of an organization."""
    from hymio import manage
    from hymio.period import wall_of, zone

    with opened(context, database) as store:
        operator = operator_of(manage.find_organization(store, organization))
        layout, known = store.layout(operator.organization), manage.users(store, operator)
    if not known:
        hint("There is no user yet. Add one with: hymio user add ORGANIZATION EMAIL FIRST_NAME LAST_NAME")
        return
    shown = table(
        ("user", RIGHT), "email", "name", ("role", WHOLE), "sees", ("locale", WHOLE), ("login", WHOLE),
        ("created", WHOLE),
    )  # fmt: skip
    words = {method: word.value for word, method in _METHODS.items()}
    for each in known:
        shown.add_row(
            str(each.id), escape(each.email), escape(f"{each.first_name} {each.last_name}"), each.role.value.lower(),
            escape(layout.hierarchy.path(each.node)), each.locale,
            words[each.login_method] if each.login_allowed else "[dim]not allowed[/]",
            f"{wall_of(each.created_at, zone('UTC')):%Y-%m-%d}",
        )  # fmt: skip
    console().print(shown)


@commands.command("edit")
def edit(
    context: typer.Context, organization: OrganizationName, user: UserName,
    email: Annotated[str | None, typer.Option(help="Its new email", show_default=False)] = None,
    first_name: Annotated[str | None, typer.Option(help="Its new first name", show_default=False)] = None,
    last_name: Annotated[str | None, typer.Option(help="Its new last name", show_default=False)] = None,
    at: _Root = None,
    role: Annotated[Rank | None, typer.Option(help="What it may do", show_default=False)] = None,
    locale: Annotated[str | None, typer.Option(metavar="LOCALE", help="Its language", show_default=False)] = None,
    login: Annotated[Login | None, typer.Option(help="How it logs in", show_default=False)] = None,
    allowed: Annotated[
        bool | None, typer.Option("--allowed/--not-allowed", help="Whether it may log in", show_default=False)
    ] = None,
    database: Database = None,
) -> None:  # fmt: skip
    """Change a user; what is not named stays.

    Example: hymio user edit "Acme" jane.doe@example.com --role admin --at "Sweden"
    """
    from dataclasses import replace

    from hymio import manage
    from hymio.cli import naming
    from hymio.locale import parse_locale

    with changing(context, database, organization) as (_, operator, batch):
        known = naming.user_of(manage.users(batch, operator), user)
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
        changed = replace(known, **{name: value for name, value in changes.items() if value is not None})  # type: ignore[arg-type]  # each of its field's type
        manage.edit_user(batch, operator, changed, now=batch.now)
        path = batch.layout.hierarchy.path(changed.node)
    named = f"{changed.first_name} {changed.last_name} <{changed.email}>"
    say(f"User {known.id}: {escape(named)}, {changed.role.value.lower()}, sees {escape(path)}")


@commands.command("remove")
def remove(context: typer.Context, organization: OrganizationName, user: UserName, database: Database = None) -> None:
    """Remove a user. To only keep it out: hymio user edit … --not-allowed

    Example: hymio user remove "Acme" jane.doe@example.com
    """
    from hymio import manage
    from hymio.cli import naming

    with changing(context, database, organization) as (_, operator, batch):
        known = naming.user_of(manage.users(batch, operator), user)
        manage.remove_user(batch, operator, known.id, now=batch.now)
    say(f"User {known.id} {escape(known.email)} is removed.")
