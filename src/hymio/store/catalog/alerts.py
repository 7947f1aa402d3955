"""Alerts: what to watch, what was raised, and what people said and did about it."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import NamedTuple

from hymio.alert import Alert, AlertComment, AlertSpecification, AlertType, check_parameters
from hymio.errors import SetupError
from hymio.hierarchy import Scope
from hymio.period import Instant, InstantRange
from hymio.store import Store, schema
from hymio.store.catalog.changing import check_text, identity_of, must_have, run
from hymio.store.dialect import Row, Transaction
from hymio.store.ledger import Ledger


class Stretch(NamedTuple):
    """A range of instants and the nodes for which it is asked."""

    within: InstantRange
    nodes: Collection[int]


def add_alert_specification(
    ledger: Ledger, survey: int, node: int, type: AlertType, parameters: str, id: int | None = None  # noqa: A002
) -> int:  # fmt: skip
    """Adds a specification of alerts for a survey at a node."""
    must_have(ledger, "survey", survey)
    must_have(ledger, "node", node)
    check_parameters(parameters)
    identity = identity_of(ledger, "alert_specification", id)
    row = (ledger.organization, identity, survey, node, type.value, parameters)
    ledger.transaction.insert(schema.alert_specification, [row])
    return identity


def open_alert(
    ledger: Ledger, specification: int, begins_at: Instant, node: int | None = None, id: int | None = None  # noqa: A002
) -> int:  # fmt: skip
    """Raises an alert of a specification, at its node or one below it."""
    text = f"{_SPECIFICATIONS} AND id = :id"
    row = ledger.transaction.row(text, o=ledger.organization, id=specification)
    if row is None:
        raise SetupError(f"there is no alert specification {specification}")
    of = _specification(row)
    at = of.node if node is None else node
    must_have(ledger, "node", at)
    if not Scope(of.node).holds(ledger.layout.hierarchy, at):
        raise SetupError(f"alert specification {of.id} is of node {of.node}; node {at} does not lie there")
    identity = identity_of(ledger, "alert", id)
    made = (identity, of.id, of.survey, at, of.type.value, of.parameters, begins_at, None, None, None)
    ledger.transaction.insert(schema.alert, [(ledger.organization, *made)])
    return identity


def close_alert(ledger: Ledger, alert: int, ends_at: Instant) -> None:
    """Ends an alert that is open. SetupError if it had not begun."""
    must_have(ledger, "alert", alert)
    done = run(
        ledger,
        """UPDATE alert SET ends_at = coalesce(ends_at, :ends_at)
        WHERE organization_id = :o AND id = :alert AND begins_at <= :ends_at""",
        ends_at=ends_at,
        alert=alert,
    )
    if not done:
        raise SetupError(f"alert {alert} cannot end before it begins")


def acknowledge_alert(ledger: Ledger, alert: int, user: int) -> None:
    """Notes that a user has seen an alert, unless somebody was faster."""
    must_have(ledger, "alert", alert)
    must_have(ledger, "user_account", user)
    run(
        ledger,
        """UPDATE alert SET acknowledged_by = :user, acknowledged_at = :now
        WHERE organization_id = :o AND id = :alert AND acknowledged_at IS NULL""",
        user=user, now=ledger.now, alert=alert,
    )  # fmt: skip


def comment_alert(ledger: Ledger, alert: int, user: int, comment: str, id: int | None = None) -> int:  # noqa: A002
    """Writes a user's comment below an alert, now."""
    must_have(ledger, "alert", alert)
    must_have(ledger, "user_account", user)
    check_text(comment)
    identity = identity_of(ledger, "alert_comment", id)
    ledger.transaction.insert(schema.alert_comment, [(ledger.organization, identity, alert, user, ledger.now, comment)])
    return identity


def alert_specifications(store: Store, organization: int) -> list[AlertSpecification]:
    """The specifications of an organization, by id."""
    with store.read() as transaction:
        return [_specification(row) for row in transaction.rows(f"{_SPECIFICATIONS} ORDER BY id", o=organization)]


def alerts(
    store: Store, organization: int, wanted: Iterable[Stretch], survey: int | None, offset: int, limit: int
) -> list[Alert]:
    """Alerts that began in a stretch at one of its nodes, of one survey or all, by their beginning and id."""
    text = """SELECT a.id, a.specification_id, a.survey_id, a.node_id, a.type, a.parameters, a.begins_at, a.ends_at,
        a.acknowledged_by, a.acknowledged_at FROM alert a WHERE a.organization_id = :o"""
    with store.read() as transaction:
        rows = _page(transaction, organization, text, "a.begins_at", "a.id", wanted, survey, offset, limit)
    return [_alert(row) for row in rows]


def alert_comments(
    store: Store, organization: int, wanted: Iterable[Stretch], survey: int | None, offset: int, limit: int
) -> list[AlertComment]:
    """Comments written in a stretch below an alert at one of its nodes, of one survey or all, by their time and id."""
    text = """SELECT c.id, c.alert_id, a.node_id, c.user_id, c.commented_at, c.comment FROM alert_comment c
        JOIN alert a ON a.organization_id = c.organization_id AND a.id = c.alert_id WHERE c.organization_id = :o"""
    with store.read() as transaction:
        rows = _page(transaction, organization, text, "c.commented_at", "c.id", wanted, survey, offset, limit)
    return [AlertComment(*row) for row in rows]


_SPECIFICATIONS = "SELECT id, survey_id, node_id, type, parameters FROM alert_specification WHERE organization_id = :o"


def _specification(row: Row) -> AlertSpecification:
    identity, survey, node, kind, parameters = row
    return AlertSpecification(identity, survey, node, AlertType(kind), parameters)


def _alert(row: Row) -> Alert:
    identity, specification, survey, node, kind, parameters, *rest = row
    return Alert(identity, specification, survey, node, AlertType(kind), parameters, *rest)


def _page(
    transaction: Transaction, organization: int, text: str, instant: str, identity: str, wanted: Iterable[Stretch],
    survey: int | None, offset: int, limit: int,
) -> list[Row]:  # fmt: skip
    """A part of the rows whose instant and node lie in any stretch; the widest range is said too, for the index."""
    stretches = list(wanted)
    if not stretches:
        return []
    bound: dict[str, object] = {
        "start": min(each.within.start for each in stretches), "stop": max(each.within.end for each in stretches),
        "o": organization, "survey": survey or 0, "skip": offset, "most": limit,
    }  # fmt: skip
    either = []
    for number, each in enumerate(stretches):
        name = _letters(number)
        either.append(
            f"{instant} >= :start_{name} AND {instant} < :stop_{name} AND "
            + transaction.within("a.node_id", f"nodes_{name}")
        )
        bound |= {f"start_{name}": each.within.start, f"stop_{name}": each.within.end}
        bound[f"nodes_{name}"] = transaction.among(each.nodes)
    text += f" AND {instant} >= :start AND {instant} < :stop AND ({' OR '.join(either)})"
    text += "" if survey is None else " AND a.survey_id = :survey"
    return transaction.rows(f"{text} ORDER BY {instant}, {identity} LIMIT :most OFFSET :skip", **bound)


def _letters(number: int) -> str:
    """A name for a parameter, which holds no digits."""
    return str(number).translate(str.maketrans("0123456789", "abcdefghij"))
