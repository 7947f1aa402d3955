"""Users of an organization: who they are, from where in the tree they look down, and how they log in."""

from __future__ import annotations

from hymio.errors import SetupError
from hymio.locale import check_locale
from hymio.store import Store, schema
from hymio.store.catalog.changing import check_name, identity_of, must_have, run
from hymio.store.dialect import Row
from hymio.store.ledger import Ledger
from hymio.user import LoginMethod, Role, User, check_email


def add_user(
    ledger: Ledger,
    email: str,
    first_name: str,
    last_name: str,
    node: int,
    role: Role = Role.USER,
    locale: str = "en-US",
    login_method: LoginMethod = LoginMethod.EMAIL_PASSWORD,
    id: int | None = None,  # noqa: A002
    *,
    login_allowed: bool = True,
) -> int:
    """Adds a user; its email is unique in the organization, whatever the case of its letters."""
    identity = identity_of(ledger, "user_account", _unused(ledger) if id is None else id)
    user = User(
        identity, email, first_name, last_name, node, role, locale, login_allowed, login_method, ledger.now
    )  # fmt: skip
    _check(ledger, user)
    row = (
        ledger.organization, identity, email, first_name, last_name, node, role.value, locale, int(login_allowed),
        login_method.value, None, ledger.now,
    )  # fmt: skip
    ledger.transaction.insert(schema.user_account, [row])
    return identity


def edit_user(ledger: Ledger, user: User) -> None:
    """Makes the user of an id what is given; when it was created and last logged in stays."""
    must_have(ledger, "user_account", user.id)
    _check(ledger, user)
    run(
        ledger,
        """UPDATE user_account SET email = :email, first_name = :first, last_name = :last, node_id = :node,
        role = :role, locale = :locale, login_allowed = :allowed, login_method = :method
        WHERE organization_id = :o AND id = :user""",
        email=user.email, first=user.first_name, last=user.last_name, node=user.node, role=user.role.value,
        locale=user.locale, allowed=int(user.login_allowed), method=user.login_method.value, user=user.id,
    )  # fmt: skip


def remove_user(ledger: Ledger, user: int) -> None:
    """Removes a user; what it wrote and acknowledged keeps its number, which nobody gets again."""
    must_have(ledger, "user_account", user)
    run(ledger, "DELETE FROM user_account WHERE organization_id = :o AND id = :user", user=user)


def users(store: Store, organization: int) -> list[User]:
    """The users of an organization, by id."""
    text = """SELECT id, email, first_name, last_name, node_id, role, locale, login_allowed, login_method, created_at,
        last_login_at FROM user_account WHERE organization_id = :o ORDER BY id"""
    with store.read() as transaction:
        return [_user(row) for row in transaction.rows(text, o=organization)]


def _user(row: Row) -> User:
    identity, email, first, last, node, role, locale, allowed, method, created, seen = row
    return User(
        identity, email, first, last, node, Role(role), locale, bool(allowed), LoginMethod(method), created, seen
    )  # fmt: skip


def _check(ledger: Ledger, user: User) -> None:
    check_email(user.email)
    check_name(user.first_name, "first name")
    check_name(user.last_name, "last name")
    check_locale(user.locale)
    must_have(ledger, "node", user.node)
    taken = ledger.transaction.row(
        "SELECT id FROM user_account WHERE organization_id = :o AND lower(email) = :email AND id <> :user",
        o=ledger.organization, email=user.email.lower(), user=user.id,
    )  # fmt: skip
    if taken:
        raise SetupError(f"there is a user with email {user.email} already: {taken[0]}")


def _unused(ledger: Ledger) -> int:
    """A number that no user has, nor anybody who ever wrote below an alert or acknowledged one."""
    named = (("user_account", "id"), ("alert_comment", "user_id"), ("alert", "acknowledged_by"))
    texts = (f"SELECT max({column}) FROM {table} WHERE organization_id = :o" for table, column in named)
    found = (ledger.transaction.row(text, o=ledger.organization) for text in texts)
    return max(row[0] or 0 for row in found if row) + 1
