"""The one table of roles and permissions: what docs/access.md prints, and what a principal does with it."""

from __future__ import annotations

import ast
import inspect
import os
import re
from pathlib import Path

import pytest

import hymio
from hymio import manage
from hymio.access import EVERY_KIND, PERMISSIONS, DataKind, Permission, Principal, Role, Via, operator
from hymio.errors import Forbidden, NotFound
from hymio.hierarchy import Hierarchy, Node, NodeKind
from hymio.store import Store
from tests.test_api_v1 import UPDATE
from tests.verbs import VERBS
from tests.world import NOW, build

DOCUMENT = Path(__file__).parents[1] / "docs" / "access.md"

ALLOWS = {
    Permission.READ_RESULTS: "read results, feedback and alerts",
    Permission.READ_SETUP: "read the tree, surveys, smileys, custom data and alert specifications",
    Permission.READ_CONTACT_DETAILS: "read what people left to be contacted",
    Permission.READ_USERS: "list users",
    Permission.SHARE_REPORTS: "share a report by an address, and revoke what one shares oneself",
    Permission.READ_AUDIT_LOG: "list the audit log",
    Permission.DELIVER_FEEDBACK: "upload presses and what comes after them, and use the one-time code of a smiley",
    Permission.ANSWER_ALERTS: "acknowledge alerts and comment on them",
    Permission.CHANGE_ALERTS: "specify, open and close alerts",
    Permission.CHANGE_TREE: "build the tree, with zones and misuse policies",
    Permission.CHANGE_SURVEYS: (
        "make surveys, translate them, ask them at points, set their minimum numbers of answers,"
        " choose how published smileys look"
    ),
    Permission.CHANGE_SMILEYS: "add smileys, place them, renew their upload tokens and publish them on the web",
    Permission.CHANGE_CUSTOM_DATA: "define custom fields and set their values",
    Permission.CHANGE_OWN_ACCOUNT: "sign in, and change one's own password, language, theme and sessions",
    Permission.CHANGE_USERS: "add, edit, invite, disable and remove users",
    Permission.CHANGE_CREDENTIALS: "activate the API and list, make and revoke clients, tokens and SMS gateways",
    Permission.CHANGE_OUTBOX: "retry and discard rows of the outbox",
    Permission.RESETTLE: "resolve, judge and count stored feedback again: resettle, release quarantine, rebuild",
    Permission.CORRECT_TEXTS: "say of a text that it is spam, or that it is not",
    Permission.ERASE: "set how long people's data is kept, and erase it",
    Permission.ACCEPT_CLOCK: "say that the server's clock is right although the ledger has later receive times",
    Permission.CREATE_ORGANIZATION: "create organizations",
}


def table_of_roles() -> str:
    """The first table of the document."""
    lines = ["| permission | " + " | ".join(f"`{role.value}`" for role in Role) + " |"]
    lines.append("| --- |" + " --- |" * len(Role))
    for permission in Permission:
        marks = ("yes" if permission in PERMISSIONS[role] else "" for role in Role)
        lines.append(f"| `{permission.value}` | " + " | ".join(marks) + " |")
    return "\n".join(re.sub(r"  +", " ", line) for line in lines) + "\n"


def table_of_permissions() -> str:
    """The second table: what each permission allows, and the verbs that require it."""
    lines = ["| permission | allows to | verbs |", "| --- | --- | --- |"]
    for permission in Permission:
        verbs = ", ".join(f"`{name}`" for name in [*VERBS, "create_organization"] if permission_of(name) is permission)
        lines.append(f"| `{permission.value}` | {ALLOWS[permission]} | {verbs} |")
    return "\n".join(re.sub(r"  +", " ", line) for line in lines) + "\n"


def permission_of(verb: str) -> Permission:
    """The permission that a verb names; verbs on credentials of the whole organization share one place for it."""
    source = inspect.getsource(getattr(manage, verb))
    named = set(re.findall(r"Permission\.([A-Z_]+)", source)) or {"CHANGE_CREDENTIALS"}
    [name] = named
    return Permission[name]


@pytest.mark.parametrize("table", [table_of_roles, table_of_permissions])
def test_the_document_prints_the_table(table: object) -> None:
    assert callable(table)
    document, made = DOCUMENT.read_text(encoding="utf-8"), table()
    heading = made.partition("\n")[0]
    printed = re.search(rf"^{re.escape(heading)}\n(?:\|.*\n)*", document, re.MULTILINE)
    assert printed is not None
    if os.environ.get(UPDATE):
        DOCUMENT.write_text(document.replace(printed[0], made), encoding="utf-8")
        return
    assert printed[0] == made, f"set {UPDATE}=1 to write it anew"


def test_each_role_has_its_permissions_and_people_have_api_v2s_roles() -> None:
    assert set(PERMISSIONS) == set(Role)
    assert {role.value for role in Role if role.is_person} == {"USER", "ADMIN", "PARTNER"}
    assert PERMISSIONS[Role.OPERATOR] == frozenset(Permission)
    assert Permission.CREATE_ORGANIZATION not in PERMISSIONS[Role.ADMIN] | PERMISSIONS[Role.PARTNER]


def test_each_permission_is_required_somewhere() -> None:
    """A member counts where it is an argument of a call, as of `require`, `changing` or `may`."""
    package = Path(hymio.__file__).parent
    modules = (path for path in package.rglob("*.py") if path != package / "access.py")
    calls = (
        node
        for path in modules
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call)
    )
    required = {
        argument.attr
        for call in calls
        for argument in (*call.args, *(keyword.value for keyword in call.keywords))
        if isinstance(argument, ast.Attribute) and ast.unparse(argument.value).endswith("Permission")
    }
    assert required == {permission.name for permission in Permission}


def test_a_refusal_names_the_permission_and_the_role() -> None:
    principal = Principal(1, Role.CLIENT, Via.V2_TOKEN, "Board")
    with pytest.raises(Forbidden, match=r"tree:change.*CLIENT") as caught:
        principal.require(Permission.CHANGE_TREE)
    assert (caught.value.code, caught.value.status) == ("permission-missing", 403)


def test_a_node_outside_the_scope_and_one_that_is_not_there_read_the_same() -> None:
    nodes = {1: Node(1, None, NodeKind.GROUP, "All"), **{n: Node(n, 1, NodeKind.GROUP, str(n)) for n in (2, 3)}}
    hierarchy = Hierarchy().changed(nodes)
    principal = Principal(1, Role.ADMIN, Via.SESSION, "Ada", node=2)
    principal.require_node(hierarchy, 2)
    for node in (1, 3, 4):
        with pytest.raises(NotFound, match=f"^there is no node {node}$"):
            principal.require_node(hierarchy, node)
    assert (principal.root(hierarchy), principal.reaches_all(hierarchy)) == (2, False)
    assert (operator(1).root(hierarchy), operator(1).reaches_all(hierarchy)) == (1, True)


def test_each_credential_becomes_its_principal(store: Store) -> None:
    world = build(store)
    boss = operator(world.organization, "root")
    api = manage.activate_api(store, boss, now=NOW)
    few = frozenset({DataKind.SURVEYS})
    token = manage.create_token(store, boss, "Board", world.groups[1], few, now=NOW)
    sms, upload = manage.new_sms_secret(store, boss, now=NOW), manage.new_token(store, boss, 2, now=NOW)
    manage.set_raw_results(store, boss, enabled=False, now=NOW)
    with store.read() as transaction:
        device = manage.device_principal(transaction, upload)
    organization = world.organization
    assert manage.v1_principal(store, api.client_id, api.token) == Principal(
        organization, Role.CLIENT, Via.V1_CLIENT, "API v1 client 1", 1, raw_results=False
    )
    assert manage.v2_principal(store, token.secret, NOW) == Principal(
        organization, Role.CLIENT, Via.V2_TOKEN, "Board", 1, world.groups[1], few, raw_results=False
    )
    assert device == Principal(organization, Role.DEVICE, Via.DEVICE, "smiley 2", 2)
    assert manage.sms_principal(store, sms) == Principal(organization, Role.DEVICE, Via.SMS_GATEWAY, "SMS gateway")
    assert boss == Principal(organization, Role.OPERATOR, Via.SHELL, "root", kinds=EVERY_KIND)
