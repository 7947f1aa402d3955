"""Alerts: their specifications, opening and closing them, and acknowledgements and comments of users."""

from __future__ import annotations

from collections.abc import Iterable

from hymio.access import DataKind, Permission, Principal
from hymio.alert import Alert, AlertComment, AlertSpecification, AlertType, check_parameters
from hymio.errors import Forbidden, NotFound, SetupError
from hymio.hierarchy import Scope
from hymio.manage.change import Batch, Change, Reach, changing, instant_text, reach_in, reading
from hymio.manage.checks import check_instant, check_text
from hymio.manage.surveys import require_survey
from hymio.period import Instant
from hymio.store import Store
from hymio.store.catalog import alerts as rows
from hymio.store.catalog.alerts import Stretch
from hymio.store.catalog.rows import exists, is_id


def add_alert_specification(
    store: Store | Batch, principal: Principal, survey: int, node: int, type: AlertType, parameters: str,  # noqa: A002
    id: int | None = None, *, now: Instant,  # noqa: A002
) -> int:  # fmt: skip
    """Adds a specification of alerts for a survey at a node. Returns its id."""
    with changing(store, principal, Permission.CHANGE_ALERTS, now) as change:
        require_survey(change, survey)
        change.require_node(node)
        check_parameters(parameters)
        added = AlertSpecification(change.new_id("alert_specification", id), survey, node, type, parameters)
        rows.insert_specification(change.ledger, added)
        new = {"survey": survey, "type": type.value, "parameters": parameters}
        change.audit("add-alert-specification", f"alert specification {added.id}", node=node, new=new)
        return added.id


def open_alert(
    store: Store | Batch, principal: Principal, specification: int, begins_at: Instant, node: int | None = None,
    id: int | None = None, *, now: Instant,  # noqa: A002
) -> int:  # fmt: skip
    """Raises an alert of a specification, at its node or one below it. Returns its id."""
    with changing(store, principal, Permission.CHANGE_ALERTS, now) as change:
        source = _require_specification(change, specification)
        alert_node = source.node if node is None else node
        change.require_node(alert_node)
        check_instant(begins_at)
        if not Scope(source.node).holds(change.ledger.layout.hierarchy, alert_node):
            raise SetupError(
                "alert-elsewhere",
                "alert specification {specification} is of node {of}; node {node} does not lie there",
                specification=source.id,
                of=source.node,
                node=alert_node,
            )
        identity = change.new_id("alert", id)
        opened = Alert(identity, source.id, source.survey, alert_node, source.type, source.parameters, begins_at)
        rows.insert_alert(change.ledger, opened)
        new = {"specification": source.id, "from": instant_text(begins_at)}
        change.audit("open-alert", f"alert {identity}", node=alert_node, new=new)
        return identity


def close_alert(store: Store | Batch, principal: Principal, alert: int, ends_at: Instant, *, now: Instant) -> None:
    """Ends an alert that is open; one that ended stays as it is. SetupError if it begins after `ends_at`."""
    with changing(store, principal, Permission.CHANGE_ALERTS, now) as change:
        stored = _require_alert(change, alert)
        check_instant(ends_at)
        if ends_at < stored.begins_at:
            raise SetupError("alert-ends-early", "alert {alert} cannot end before it begins", alert=alert)
        if stored.ends_at is None:
            rows.update_end(change.ledger, alert, ends_at)
            change.audit("close-alert", f"alert {alert}", node=stored.node, new={"until": instant_text(ends_at)})


def acknowledge_alert(store: Store | Batch, principal: Principal, alert: int, user: int, *, now: Instant) -> None:
    """Records that a user acknowledged an alert, unless one did already. Forbidden if a person names another user."""
    with changing(store, principal, Permission.ANSWER_ALERTS, now) as change:
        stored = _require_alert(change, alert)
        _require_same_person(change, user)
        if stored.acknowledged_at is None:
            rows.update_acknowledgement(change.ledger, alert, user, now)
            change.audit("acknowledge-alert", f"alert {alert}", node=stored.node, new={"user": user})


def comment_alert(
    store: Store | Batch, principal: Principal, alert: int, user: int, comment: str, id: int | None = None,  # noqa: A002
    *, now: Instant,
) -> int:  # fmt: skip
    """Adds a user's comment to an alert. Returns its id. Forbidden if a person names another user."""
    with changing(store, principal, Permission.ANSWER_ALERTS, now) as change:
        stored = _require_alert(change, alert)
        _require_same_person(change, user)
        check_text(comment)
        identity = change.new_id("alert_comment", id)
        rows.insert_comment(change.ledger, identity, alert, user, now, comment)
        change.audit("comment-alert", f"alert {alert}", node=stored.node, new={"user": user, "comment": identity})
        return identity


def alert_specifications(store: Store | Batch, principal: Principal) -> list[AlertSpecification]:
    """The specifications at the nodes in the principal's scope, by id."""
    principal.require(Permission.READ_SETUP)
    principal.require_kind(DataKind.ALERTS)
    with reading(store) as transaction:
        reach = reach_in(store, transaction, principal)
        specifications = rows.select_specifications(transaction, principal.organization)
    return [specification for specification in specifications if reach.holds(specification.node)]


def alerts(
    store: Store | Batch,
    principal: Principal,
    stretches: Iterable[Stretch],
    survey: int | None,
    offset: int,
    limit: int,
) -> list[Alert]:
    """Alerts that began in a stretch at one of its nodes, of one survey or all, by their beginning and id."""
    principal.require(Permission.READ_RESULTS)
    principal.require_kind(DataKind.ALERTS)
    with reading(store) as transaction:
        in_scope = _in_scope(reach_in(store, transaction, principal), stretches)
        return rows.select_alerts(transaction, principal.organization, in_scope, survey, offset, limit)


def alert_comments(
    store: Store | Batch,
    principal: Principal,
    stretches: Iterable[Stretch],
    survey: int | None,
    offset: int,
    limit: int,
) -> list[AlertComment]:
    """Comments written in a stretch on an alert at one of its nodes, of one survey or all, by their time and id."""
    principal.require(Permission.READ_RESULTS)
    principal.require_kind(DataKind.ALERTS)
    with reading(store) as transaction:
        in_scope = _in_scope(reach_in(store, transaction, principal), stretches)
        return rows.select_comments(transaction, principal.organization, in_scope, survey, offset, limit)


def _in_scope(reach: Reach, stretches: Iterable[Stretch]) -> list[Stretch]:
    """The stretches with only those nodes that are in the principal's scope."""
    return [Stretch(within, list(filter(reach.holds, nodes))) for within, nodes in stretches]


def _require_specification(change: Change, specification: int) -> AlertSpecification:
    """The alert specification. NotFound if it does not exist or its node is outside the scope."""
    stored = rows.select_specification(change.ledger, specification) if is_id(specification) else None
    if stored is None or not change.reaches(stored.node):
        raise NotFound(
            "unknown-alert-specification",
            "there is no alert specification {specification}",
            specification=specification,
        )
    return stored


def _require_alert(change: Change, alert: int) -> Alert:
    """The alert. NotFound if it does not exist or its node is outside the scope."""
    stored = rows.select_alert(change.ledger, alert) if is_id(alert) else None
    if stored is None or not change.reaches(stored.node):
        raise NotFound("unknown-alert", "there is no alert {alert}", alert=alert)
    return stored


def _require_same_person(change: Change, user: int) -> None:
    """Raises NotFound if the user does not exist, and Forbidden if the principal is a person and not this user."""
    if not exists(change.ledger, "user_account", user):
        raise NotFound("unknown-user", "there is no user {user}", user=user)
    if change.principal.role.is_person and change.principal.id != user:
        raise Forbidden("not-oneself", "a user acknowledges and comments on alerts only as itself")
