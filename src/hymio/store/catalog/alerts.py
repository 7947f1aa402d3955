"""Rows of alert specifications, of alerts and of the comments on them."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import NamedTuple

from hymio.alert import Alert, AlertComment, AlertSpecification, AlertType
from hymio.period import Instant, InstantRange
from hymio.store import schema
from hymio.store.catalog.rows import first_row, run
from hymio.store.dialect import Row, Transaction
from hymio.store.ledger import Ledger

_SPECIFICATIONS = "SELECT id, survey_id, node_id, type, parameters FROM alert_specification WHERE organization_id = :o"
_ALERTS = """SELECT a.id, a.specification_id, a.survey_id, a.node_id, a.type, a.parameters, a.begins_at, a.ends_at,
    a.acknowledged_by, a.acknowledged_at FROM alert a WHERE a.organization_id = :o"""
_COMMENTS = """SELECT c.id, c.alert_id, a.node_id, c.user_id, c.commented_at, c.comment FROM alert_comment c
    JOIN alert a ON a.organization_id = c.organization_id AND a.id = c.alert_id WHERE c.organization_id = :o"""


class Stretch(NamedTuple):
    """A range of instants, and the nodes of which alerts or comments in it are selected."""

    within: InstantRange
    nodes: Collection[int]


def select_specifications(transaction: Transaction, organization: int) -> list[AlertSpecification]:
    """The specifications of an organization, by id."""
    return [_specification(row) for row in transaction.rows(f"{_SPECIFICATIONS} ORDER BY id", o=organization)]


def select_specification(ledger: Ledger, specification: int) -> AlertSpecification | None:
    """A specification."""
    row = first_row(ledger, f"{_SPECIFICATIONS} AND id = :id", id=specification)
    return _specification(row) if row else None


def insert_specification(ledger: Ledger, row: AlertSpecification) -> None:
    """Inserts a specification."""
    values = (ledger.organization, row.id, row.survey, row.node, row.type.value, row.parameters)
    ledger.transaction.insert(schema.alert_specification, [values])


def select_alert(ledger: Ledger, alert: int) -> Alert | None:
    """An alert."""
    row = first_row(ledger, f"{_ALERTS} AND a.id = :id", id=alert)
    return _alert(row) if row else None


def insert_alert(ledger: Ledger, alert: Alert) -> None:
    """Inserts an alert, open and not acknowledged."""
    values = (
        alert.id, alert.specification, alert.survey, alert.node, alert.type.value, alert.parameters, alert.begins_at
    )  # fmt: skip
    ledger.transaction.insert(schema.alert, [(ledger.organization, *values, None, None, None)])


def update_end(ledger: Ledger, alert: int, ends_at: Instant) -> None:
    """Sets when an alert ended."""
    text = "UPDATE alert SET ends_at = :ends_at WHERE organization_id = :o AND id = :alert"
    run(ledger, text, ends_at=ends_at, alert=alert)


def update_acknowledgement(ledger: Ledger, alert: int, user: int, now: Instant) -> None:
    """Sets which user acknowledged an alert, and when."""
    text = """UPDATE alert SET acknowledged_by = :user, acknowledged_at = :now
        WHERE organization_id = :o AND id = :alert"""
    run(ledger, text, user=user, now=now, alert=alert)


def insert_comment(ledger: Ledger, identity: int, alert: int, user: int, now: Instant, comment: str) -> None:
    """Inserts a comment on an alert."""
    ledger.transaction.insert(schema.alert_comment, [(ledger.organization, identity, alert, user, now, comment)])


def select_alerts(
    transaction: Transaction,
    organization: int,
    stretches: Iterable[Stretch],
    survey: int | None,
    offset: int,
    limit: int,
) -> list[Alert]:
    """Alerts that began in a stretch at one of its nodes, of one survey or all, by their beginning and id."""
    rows = _page(transaction, organization, _ALERTS, "a.begins_at", "a.id", stretches, survey, offset, limit)
    return [_alert(row) for row in rows]


def select_comments(
    transaction: Transaction,
    organization: int,
    stretches: Iterable[Stretch],
    survey: int | None,
    offset: int,
    limit: int,
) -> list[AlertComment]:
    """Comments written in a stretch on an alert at one of its nodes, of one survey or all, by their time and id."""
    rows = _page(transaction, organization, _COMMENTS, "c.commented_at", "c.id", stretches, survey, offset, limit)
    return [AlertComment(*row) for row in rows]


def _specification(row: Row) -> AlertSpecification:
    """An alert specification from its row."""
    identity, survey, node, kind, parameters = row
    return AlertSpecification(identity, survey, node, AlertType(kind), parameters)


def _alert(row: Row) -> Alert:
    """An alert from its row."""
    identity, specification, survey, node, kind, parameters, *times_and_user = row
    return Alert(identity, specification, survey, node, AlertType(kind), parameters, *times_and_user)


def _page(
    transaction: Transaction, organization: int, text: str, instant: str, identity: str, selected: Iterable[Stretch],
    survey: int | None, offset: int, limit: int,
) -> list[Row]:  # fmt: skip
    """A page of the rows whose instant and node are in any stretch.

    The range over all stretches is a condition of its own, so that the engine uses the index on the instant.
    """
    stretches = list(selected)
    if not stretches:
        return []
    bound: dict[str, object] = {
        "start": min(stretch.within.start for stretch in stretches),
        "stop": max(stretch.within.end for stretch in stretches),
        "o": organization,
        "survey": survey or 0,
        "skip": offset,
        "most": limit,
    }
    conditions = []
    for number, stretch in enumerate(stretches):
        name = _letters(number)
        conditions.append(
            f"{instant} >= :start_{name} AND {instant} < :stop_{name} AND "
            + transaction.within("a.node_id", f"nodes_{name}")
        )
        bound |= {f"start_{name}": stretch.within.start, f"stop_{name}": stretch.within.end}
        bound[f"nodes_{name}"] = transaction.among(stretch.nodes)
    text += f" AND {instant} >= :start AND {instant} < :stop AND ({' OR '.join(conditions)})"
    text += "" if survey is None else " AND a.survey_id = :survey"
    return transaction.rows(f"{text} ORDER BY {instant}, {identity} LIMIT :most OFFSET :skip", **bound)


def _letters(number: int) -> str:
    """A number as letters, because the name of a bound parameter cannot contain digits."""
    return str(number).translate(str.maketrans("0123456789", "abcdefghij"))
