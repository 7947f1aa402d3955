"""Changing the set-up: organizations, the tree, surveys, smileys, and the secrets that open a door."""

from __future__ import annotations

import hashlib
import json
import re
import secrets
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from operator import itemgetter
from typing import TypeVar

from hymio.errors import NotFound, SetupError
from hymio.hierarchy import BEGINNING, NodeKind, own_value
from hymio.misuse import MisusePolicy
from hymio.period import Instant, zone
from hymio.scale import IndexType, Scale
from hymio.smiley import SmileyType
from hymio.store import Store, schema
from hymio.store.dialect import Transaction
from hymio.store.ledger import Ledger
from hymio.store.moving import carry_hours
from hymio.store.reading import FOLLOWUP_OPTION, FOLLOWUP_QUESTION, POLICY, QUESTION, ZONE
from hymio.survey import ActivePeriod, Localized, SurveyType

SMILEY_TOKEN, SMILEY_SERIAL, V1_CLIENT, SMS_SECRET = "smiley_token", "smiley_serial", "v1_client", "sms_secret"
"""The kinds of the directory: hashes that lead to an organization and an id."""

T = TypeVar("T")
Settings = Mapping[int, Iterable[tuple[Instant, T | None]]]

_MAX_OPTIONS = 6
_MAX_NAME = 200
_SERIAL = re.compile(r"[A-Z0-9][A-Z0-9-]{0,31}")


@dataclass(frozen=True, slots=True)
class Organization:
    """A customer of this installation and what its API may be used for."""

    id: int
    name: str
    api_enabled: bool
    raw_results: bool


@dataclass(frozen=True, slots=True)
class NewSmiley:
    """A smiley's id and its upload token, which is shown once."""

    id: int
    token: str


@dataclass(frozen=True, slots=True)
class ApiCredentials:
    """What a client of API v1 shows; the token is shown once."""

    client_id: str
    token: str


@dataclass(frozen=True, slots=True)
class V1Client:
    """What is known of an API v1 client when it knocks."""

    organization: int
    token_hash: bytes
    api_enabled: bool
    raw_results: bool


def hash_secret(secret: str) -> bytes:
    """SHA-256: secrets are long and random, so a slow hash would protect nothing more."""
    return hashlib.sha256(secret.encode()).digest()


def sms_key(token: str) -> bytes:
    """The key of a terminal's SMS checksums, made from its upload token so that a device keeps one secret."""
    return hashlib.sha256(b"hymio-sms:" + token.encode()).digest()[:16]


# Organizations


def create_organization(store: Store, name: str, now: Instant, id: int | None = None) -> int:  # noqa: A002  the field's word
    """Creates an organization with an empty ledger; its id, importable. SetupError if the name or id is taken."""
    _check_name(name)
    with store.write() as transaction:
        taken = transaction.rows("SELECT id, name FROM organization")
        identity = id if id is not None else max((row[0] for row in taken), default=0) + 1
        if any(row[0] == identity or row[1] == name for row in taken):
            raise SetupError(f"there is an organization {name!r} or number {identity} already")
        transaction.insert(schema.organization, [(identity, name, now, 0, 1)])
        transaction.insert(schema.ledger, [(identity, 0, 0, None)])
        return identity


def organizations(store: Store) -> list[Organization]:
    """All organizations, by id."""
    with store.read() as transaction:
        rows = transaction.rows("SELECT id, name, api_enabled, raw_results FROM organization ORDER BY id")
    return [Organization(row[0], row[1], bool(row[2]), bool(row[3])) for row in rows]


def find_organization(store: Store, name_or_id: str) -> Organization:
    """An organization by its name or number. NotFound says which there are."""
    known = organizations(store)
    for each in known:
        if each.name == name_or_id or str(each.id) == name_or_id:
            return each
    names = ", ".join(f"{each.id} {each.name!r}" for each in known) or "none yet"
    raise NotFound(f"got organization {name_or_id!r}; there are: {names}")


# The tree and its settings


def add_group(ledger: Ledger, name: str, parent: int | None = None, id: int | None = None) -> int:  # noqa: A002
    """Adds a group; the organization's first one, without parent, is its root."""
    return _add_node(ledger, NodeKind.GROUP, name, parent, id, None)


def add_point(
    ledger: Ledger, name: str, parent: int, id: int | None = None, public_name: str | None = None  # noqa: A002
) -> int:  # fmt: skip
    """Adds an experience point below a group."""
    return _add_node(ledger, NodeKind.EXPERIENCE_POINT, name, parent, id, public_name)


def rename_node(ledger: Ledger, node: int, name: str) -> None:
    """Renames a group or point."""
    _check_name(name)
    _must_have(ledger, "node", node)
    _run(ledger, "UPDATE node SET name = :name WHERE organization_id = :o AND id = :node", name=name, node=node)
    _changed(ledger)


def move_node(ledger: Ledger, node: int, parent: int) -> None:
    """Moves a node below another group; its points' history leaves the groups above and joins the new ones.

    Zones and policies of the groups above are inherited from now on; what acted until now stays what acted.
    """
    _must_have(ledger, "node", node)
    _must_have(ledger, "node", parent)
    hierarchy = ledger.setup.hierarchy
    if hierarchy.nodes[node].parent is None or parent == node or node in hierarchy.ancestors(parent):
        raise SetupError(f"node {node} cannot move below node {parent}, which is itself or below it, or it is the root")
    before = ledger.setup
    if _has_feedback(ledger):
        _keep_past(ledger, node, ZONE, before.zones, "UTC", str)
        _keep_past(ledger, node, POLICY, before.policies, MisusePolicy(), _policy_text)
    _run(
        ledger,
        "UPDATE node SET parent_id = :parent WHERE organization_id = :o AND id = :node",
        parent=parent,
        node=node,
    )
    _changed(ledger)
    points = {point.id for point in before.hierarchy.points(node)}
    moved = [each.id for each in before.assignments.values() if each.node in points]
    carry_hours(ledger, before, moved)


def set_zone(ledger: Ledger, node: int, name: str, at: Instant | None = None) -> None:
    """Sets a node's time zone, which acts on all below, from an instant.

    By default that is always while there is no feedback yet, and now afterwards: the past is changed by asking for it.
    """
    zone(name)
    _set(ledger, node, ZONE, name, at)


def set_policy(ledger: Ledger, node: int, policy: MisusePolicy, at: Instant | None = None) -> None:
    """Sets what is misuse at a node and below, from an instant; by default as `set_zone`."""
    _set(ledger, node, POLICY, _policy_text(policy), at)


# Questions and surveys


def add_question(ledger: Ledger, wording: Localized, id: int | None = None) -> int:  # noqa: A002
    """Adds a question."""
    identity = _identity(ledger, "question", id)
    ledger.transaction.insert(schema.question, [(ledger.organization, identity, wording.default_locale)])
    _localize(ledger, QUESTION, identity, wording)
    return identity


def add_survey(
    ledger: Ledger,
    question: int,
    scale: Scale,
    index_type: IndexType = IndexType.HAPPY,
    type: SurveyType = SurveyType.CUSTOMER,  # noqa: A002
    id: int | None = None,  # noqa: A002
) -> int:
    """Adds a survey that asks a question."""
    _must_have(ledger, "question", question)
    identity = _identity(ledger, "survey", id)
    row = (ledger.organization, identity, question, scale.value, index_type.value, type.value)
    ledger.transaction.insert(schema.survey, [row])
    _changed(ledger)
    return identity


def add_followup(
    ledger: Ledger, survey: int, *, positive: bool, wording: Localized, options: Sequence[Localized]
) -> tuple[int, tuple[int, ...]]:
    """Adds a follow-up question with at most six options; its id and theirs."""
    if not 1 <= len(options) <= _MAX_OPTIONS:
        raise SetupError(f"a follow-up question has 1 to {_MAX_OPTIONS} options; got {len(options)}")
    _must_have(ledger, "survey", survey)
    identity = _identity(ledger, "followup_question")
    row = (ledger.organization, identity, survey, int(positive), wording.default_locale)
    ledger.transaction.insert(schema.followup_question, [row])
    _localize(ledger, FOLLOWUP_QUESTION, identity, wording)
    made = []
    for position, option in enumerate(options):
        made.append(_identity(ledger, "followup_option"))
        ledger.transaction.insert(schema.followup_option, [(ledger.organization, made[-1], identity, position)])
        _localize(ledger, FOLLOWUP_OPTION, made[-1], option)
    return identity, tuple(made)


def assign(
    ledger: Ledger,
    node: int,
    survey: int,
    periods: Iterable[ActivePeriod],
    smiley: int | None = None,
    id: int | None = None,  # noqa: A002
) -> int:
    """Asks a survey at a point in active periods, on one smiley or on all that stand there. SetupError on overlap."""
    identity = _identity(ledger, "assignment", id)
    ledger.transaction.insert(schema.assignment, [(ledger.organization, identity, node, survey, smiley)])
    rows = [
        (ledger.organization, identity, each.start.isoformat(), None if each.end is None else each.end.isoformat())
        for each in periods
    ]
    ledger.transaction.insert(schema.active_period, rows)
    _changed(ledger)
    return identity


# Smileys


def add_smiley(ledger: Ledger, serial: str, name: str, type: SmileyType, id: int | None = None) -> NewSmiley:  # noqa: A002
    """Adds a smiley; its serial is unique in the organization, its token is made here and kept as a hash."""
    _check_name(name)
    if not _SERIAL.fullmatch(serial):
        raise SetupError(f"got serial {serial!r}; accepted are 1 to 32 of A-Z, 0-9 and -")
    if look_up(ledger.transaction, SMILEY_SERIAL, _serial_hash(ledger.organization, serial)):
        raise SetupError(f"there is a smiley with serial {serial} already")
    identity = _identity(ledger, "smiley", id)
    ledger.transaction.insert(schema.smiley, [(ledger.organization, identity, serial, name, type.value, None)])
    _remember(ledger, SMILEY_SERIAL, _serial_hash(ledger.organization, serial), identity)
    return NewSmiley(identity, new_token(ledger, identity))


def new_token(ledger: Ledger, smiley: int) -> str:
    """Gives a smiley a new upload token in place of the old one; shown once."""
    token = secrets.token_urlsafe(24)
    _forget(ledger, SMILEY_TOKEN, smiley)
    _remember(ledger, SMILEY_TOKEN, hash_secret(token), smiley)
    _run(
        ledger,
        "UPDATE smiley SET sms_key = :key WHERE organization_id = :o AND id = :smiley",
        key=sms_key(token),
        smiley=smiley,
    )
    _changed(ledger)
    return token


def place(ledger: Ledger, smiley: int, node: int, start: Instant, end: Instant | None = None) -> None:
    """Stands a smiley at a point from an instant on, until `end` or its next placement; the one before ends there."""
    _must_have(ledger, "smiley", smiley)
    following = ledger.transaction.row(
        """SELECT min(starts_at) FROM placement
        WHERE organization_id = :o AND smiley_id = :smiley AND starts_at > :start""",
        o=ledger.organization, smiley=smiley, start=start,
    )  # fmt: skip
    if following and following[0] is not None:
        end = following[0] if end is None else min(end, following[0])
    _run(
        ledger,
        """UPDATE placement SET ends_at = :start WHERE organization_id = :o AND smiley_id = :smiley
        AND starts_at < :start AND (ends_at IS NULL OR ends_at > :start)""",
        smiley=smiley,
        start=start,
    )
    ledger.transaction.insert(
        schema.placement,
        [(ledger.organization, smiley, start, node, end)],
        """ON CONFLICT (organization_id, smiley_id, starts_at)
        DO UPDATE SET node_id = excluded.node_id, ends_at = excluded.ends_at""",
    )
    _changed(ledger)


def smiley_by_token(store: Store, token: str) -> tuple[int, int] | None:
    """The organization and smiley of an upload token."""
    with store.read() as transaction:
        return look_up(transaction, SMILEY_TOKEN, hash_secret(token))


def smiley_by_serial(store: Store, organization: int, serial: str) -> tuple[int, bytes] | None:
    """A smiley of an organization by its serial, with the key of its SMS checksums."""
    with store.read() as transaction:
        row = transaction.row(
            "SELECT id, sms_key FROM smiley WHERE organization_id = :o AND serial = :serial",
            o=organization,
            serial=serial,
        )
    return (row[0], bytes(row[1])) if row else None


# API v1 and SMS


def activate_api(ledger: Ledger) -> ApiCredentials:
    """Enables the organization's API, raw results included, and makes a client's credentials."""
    _run(ledger, "UPDATE organization SET api_enabled = 1, raw_results = 1 WHERE id = :o")
    return _new_client(ledger)


def rotate_api(ledger: Ledger) -> ApiCredentials:
    """Makes new credentials and ends all others, without a change to what is enabled."""
    _end_clients(ledger)
    return _new_client(ledger)


def revoke_api(ledger: Ledger) -> None:
    """Ends all credentials and disables the API until it is activated again."""
    _end_clients(ledger)
    _run(ledger, "UPDATE organization SET api_enabled = 0 WHERE id = :o")


def set_raw_results(ledger: Ledger, *, enabled: bool) -> None:
    """Switches raw results on or off for all API clients of the organization."""
    _run(ledger, "UPDATE organization SET raw_results = :enabled WHERE id = :o", enabled=int(enabled))


def v1_client(store: Store, client_id: str) -> V1Client | None:
    """The API v1 client of an identifier, unless it was revoked."""
    with store.read() as transaction:
        found = look_up(transaction, V1_CLIENT, hash_secret(client_id))
        if found is None:
            return None
        row = transaction.row(
            "SELECT token_hash FROM api_client WHERE organization_id = :o AND id = :id AND revoked_at IS NULL",
            o=found[0],
            id=found[1],
        )
        flags = transaction.row("SELECT api_enabled, raw_results FROM organization WHERE id = :o", o=found[0])
    return V1Client(found[0], bytes(row[0]), bool(flags[0]), bool(flags[1])) if row and flags else None


def sms_secret(ledger: Ledger) -> str:
    """Gives the organization's SMS webhook a new shared secret in place of the old one; shown once."""
    secret = secrets.token_urlsafe(24)
    _forget(ledger, SMS_SECRET, 0)
    _remember(ledger, SMS_SECRET, hash_secret(secret), 0)
    return secret


def organization_by_sms_secret(store: Store, secret: str) -> int | None:
    """The organization whose SMS webhook has this secret."""
    with store.read() as transaction:
        found = look_up(transaction, SMS_SECRET, hash_secret(secret))
    return found[0] if found else None


def keep_message(ledger: Ledger, sender: str, text: str, smiley: int | None, outcome: str) -> None:
    """Keeps a text message as it came, and what became of it; the same text at the same instant once."""
    digest = hashlib.sha256(f"{sender}\n{text}".encode()).digest()[:16]
    row = (ledger.organization, ledger.now, digest, sender, text, smiley, outcome)
    ledger.transaction.insert(schema.message, [row], "ON CONFLICT DO NOTHING")


def look_up(transaction: Transaction, kind: str, digest: bytes) -> tuple[int, int] | None:
    """The organization and id behind a hash."""
    row = transaction.row(
        "SELECT organization_id, id FROM directory WHERE kind = :kind AND hash = :hash", kind=kind, hash=digest
    )
    return (row[0], row[1]) if row else None


# Pieces


def _add_node(
    ledger: Ledger, kind: NodeKind, name: str, parent: int | None, wanted: int | None, public_name: str | None
) -> int:
    _check_name(name)
    root = "SELECT id FROM node WHERE organization_id = :o AND parent_id IS NULL"
    if parent is None and (taken := ledger.transaction.row(root, o=ledger.organization)):
        raise SetupError(f"got a second node without parent; the root is node {taken[0]}")
    identity = _identity(ledger, "node", wanted)
    ledger.transaction.insert(schema.node, [(ledger.organization, identity, parent, kind.value, name, public_name)])
    _changed(ledger)
    return identity


def _set(ledger: Ledger, node: int, name: str, value: str, at: Instant | None) -> None:
    _must_have(ledger, "node", node)
    if at is None:
        at = ledger.now if _has_feedback(ledger) else BEGINNING
    _put_steps(ledger, node, name, [(at, value)])


def _put_steps(ledger: Ledger, node: int, name: str, steps: Iterable[tuple[Instant, str]]) -> None:
    ledger.transaction.insert(
        schema.node_setting,
        [(ledger.organization, node, name, at, value) for at, value in steps],
        "ON CONFLICT (organization_id, node_id, name, starts_at) DO UPDATE SET value = excluded.value",
    )
    _changed(ledger)


def _keep_past(
    ledger: Ledger, node: int, name: str, settings: Settings[T], default: T, text: Callable[[T], str]
) -> None:
    """Makes what a node inherited until now its own past, after which it has what it had of its own, or inherits."""
    inherited = ledger.setup.hierarchy.inherited(node, settings, default)
    own = own_value(sorted(settings.get(node, ()), key=itemgetter(0)), ledger.now)
    past = [(at, text(value)) for at, value in inherited.steps if at < ledger.now]
    _run(
        ledger,
        """DELETE FROM node_setting
        WHERE organization_id = :o AND node_id = :node AND name = :name AND starts_at <= :now""",
        node=node, name=name, now=ledger.now,
    )  # fmt: skip
    _put_steps(ledger, node, name, [*past, (ledger.now, "" if own is None else text(own))])


def _policy_text(policy: MisusePolicy) -> str:
    return json.dumps(asdict(policy), separators=(",", ":"))


def _has_feedback(ledger: Ledger) -> bool:
    """Whether any smiley of the organization has spoken, so that a change of the past would have to be resettled."""
    text = "SELECT 1 FROM smiley_state WHERE organization_id = :o LIMIT 1"
    return ledger.transaction.row(text, o=ledger.organization) is not None


def _localize(ledger: Ledger, kind: str, identity: int, wording: Localized) -> None:
    if wording.default_locale not in wording.texts:
        raise SetupError(f"{kind} {identity}: no text in its default locale {wording.default_locale}")
    rows = [(ledger.organization, kind, identity, locale, text) for locale, text in wording.texts.items()]
    ledger.transaction.insert(schema.localization, rows)
    _changed(ledger)


def _identity(ledger: Ledger, table: str, wanted: int | None = None) -> int:
    """The next id of a table in this organization, or the wanted one if it is free: the ledger alone gives ids."""
    if wanted is None:
        row = ledger.transaction.row(f"SELECT max(id) FROM {table} WHERE organization_id = :o", o=ledger.organization)
        return (row[0] if row and row[0] else 0) + 1
    text = f"SELECT 1 FROM {table} WHERE organization_id = :o AND id = :id"
    if wanted < 1 or ledger.transaction.row(text, o=ledger.organization, id=wanted):
        raise SetupError(f"{table} {wanted} exists already, or is not a positive number")
    return wanted


def _changed(ledger: Ledger) -> None:
    """Tells this ledger and, by the revision, all readers that their set-up is old; it is checked at the commit."""
    ledger.change_setup()
    _run(ledger, "UPDATE ledger SET setup_revision = :revision WHERE organization_id = :o", revision=ledger.revision)


def _run(ledger: Ledger, text: str, **values: object) -> int:
    return ledger.transaction.run(text, o=ledger.organization, **values)


def _must_have(ledger: Ledger, table: str, identity: int) -> None:
    text = f"SELECT 1 FROM {table} WHERE organization_id = :o AND id = :id"
    if not ledger.transaction.row(text, o=ledger.organization, id=identity):
        raise SetupError(f"there is no {table} {identity}")


def _check_name(name: str) -> None:
    if not name.strip() or len(name) > _MAX_NAME or any(ord(letter) < ord(" ") for letter in name):
        raise SetupError(f"got name {name[:40]!r}; accepted are 1 to {_MAX_NAME} printable characters")


def _serial_hash(organization: int, serial: str) -> bytes:
    return hash_secret(f"{organization}:{serial}")


def _new_client(ledger: Ledger) -> ApiCredentials:
    identity = _identity(ledger, "api_client")
    made = ApiCredentials(secrets.token_hex(16), secrets.token_urlsafe(32))
    row = (ledger.organization, identity, made.client_id, hash_secret(made.token), ledger.now, None)
    ledger.transaction.insert(schema.api_client, [row])
    _remember(ledger, V1_CLIENT, hash_secret(made.client_id), identity)
    return made


def _end_clients(ledger: Ledger) -> None:
    _run(
        ledger,
        "UPDATE api_client SET revoked_at = :now WHERE organization_id = :o AND revoked_at IS NULL",
        now=ledger.now,
    )
    _run(ledger, "DELETE FROM directory WHERE organization_id = :o AND kind = :kind", kind=V1_CLIENT)


def _remember(ledger: Ledger, kind: str, digest: bytes, identity: int) -> None:
    ledger.transaction.insert(schema.directory, [(kind, digest, ledger.organization, identity)])


def _forget(ledger: Ledger, kind: str, identity: int) -> None:
    _run(
        ledger, "DELETE FROM directory WHERE organization_id = :o AND kind = :kind AND id = :id", kind=kind, id=identity
    )
