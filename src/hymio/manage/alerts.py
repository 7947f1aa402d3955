"""Alerts: what to watch, what was raised, and what people did about it."""

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
    """Adds a specification of alerts for a survey at a node. Its id."""
    with changing(store, principal, Permission.CHANGE_ALERTS, now) as change:
        require_survey(change, survey)
        change.require_node(node)
        check_parameters(parameters)
        made = AlertSpecification(change.new_id("alert_specification", id), survey, node, type, parameters)
        rows.insert_specification(change.ledger, made)
        new = {"survey": survey, "type": type.value, "parameters": parameters}
        change.audit("add-alert-specification", f"alert specification {made.id}", node=node, new=new)
        return made.id


def open_alert(
    store: Store | Batch, principal: Principal, specification: int, begins_at: Instant, node: int | None = None,
    id: int | None = None, *, now: Instant,  # noqa: A002
) -> int:  # fmt: skip
    """Raises an alert of a specification, at its node or one below it. Its id."""
    with changing(store, principal, Permission.CHANGE_ALERTS, now) as change:
        of = _require_specification(change, specification)
        at = of.node if node is None else node
        change.require_node(at)
        check_instant(begins_at)
        if not Scope(of.node).holds(change.ledger.layout.hierarchy, at):
            raise SetupError(
                "alert-elsewhere",
                "alert specification {specification} is of node {of}; node {node} does not lie there",
                specification=of.id,
                of=of.node,
                node=at,
            )
        made = Alert(change.new_id("alert", id), of.id, of.survey, at, of.type, of.parameters, begins_at)
        rows.insert_alert(change.ledger, made)
        change.audit(
            "open-alert", f"alert {made.id}", node=at, new={"specification": of.id, "from": instant_text(begins_at)}
        )
        return made.id


def close_alert(store: Store | Batch, principal: Principal, alert: int, ends_at: Instant, *, now: Instant) -> None:
    """Ends an alert that is open; one that ended stays as it is. SetupError if it begins after `ends_at`."""
    with changing(store, principal, Permission.CHANGE_ALERTS, now) as change:
        known = _require_alert(change, alert)
        check_instant(ends_at)
        if ends_at < known.begins_at:
            raise SetupError("alert-ends-early", "alert {alert} cannot end before it begins", alert=alert)
        if known.ends_at is None:
            rows.update_end(change.ledger, alert, ends_at)
            change.audit("close-alert", f"alert {alert}", node=known.node, new={"until": instant_text(ends_at)})


def acknowledge_alert(store: Store | Batch, principal: Principal, alert: int, user: int, *, now: Instant) -> None:
    """Notes that a user has seen an alert, unless one did already. Forbidden for another user than a person itself."""
    with changing(store, principal, Permission.ANSWER_ALERTS, now) as change:
        known = _require_alert(change, alert)
        _require_oneself(change, user)
        if known.acknowledged_at is None:
            rows.update_acknowledgement(change.ledger, alert, user, now)
            change.audit("acknowledge-alert", f"alert {alert}", node=known.node, new={"user": user})


def comment_alert(
    store: Store | Batch, principal: Principal, alert: int, user: int, comment: str, id: int | None = None,  # noqa: A002
    *, now: Instant,
) -> int:  # fmt: skip
    """Writes a user's comment below an alert. Its id. Forbidden for another user than a person itself."""
    with changing(store, principal, Permission.ANSWER_ALERTS, now) as change:
        known = _require_alert(change, alert)
        _require_oneself(change, user)
        check_text(comment)
        identity = change.new_id("alert_comment", id)
        rows.insert_comment(change.ledger, identity, alert, user, now, comment)
        change.audit("comment-alert", f"alert {alert}", node=known.node, new={"user": user, "comment": identity})
        return identity


def alert_specifications(store: Store | Batch, principal: Principal) -> list[AlertSpecification]:
    """The specifications at the nodes that the principal reaches, by id."""
    principal.require(Permission.READ_SETUP)
    principal.require_kind(DataKind.ALERTS)
    with reading(store) as transaction:
        reach = reach_in(store, transaction, principal)
        known = rows.select_specifications(transaction, principal.organization)
    return [specification for specification in known if reach.holds(specification.node)]


def alerts(
    store: Store | Batch, principal: Principal, wanted: Iterable[Stretch], survey: int | None, offset: int, limit: int
) -> list[Alert]:
    """Alerts that began in a stretch at one of its nodes, of one survey or all, by their beginning and id."""
    principal.require(Permission.READ_RESULTS)
    principal.require_kind(DataKind.ALERTS)
    with reading(store) as transaction:
        within = _within_reach(reach_in(store, transaction, principal), wanted)
        return rows.select_alerts(transaction, principal.organization, within, survey, offset, limit)


def alert_comments(
    store: Store | Batch, principal: Principal, wanted: Iterable[Stretch], survey: int | None, offset: int, limit: int
) -> list[AlertComment]:
    """Comments written in a stretch below an alert at one of its nodes, of one survey or all, by their time and id."""
    principal.require(Permission.READ_RESULTS)
    principal.require_kind(DataKind.ALERTS)
    with reading(store) as transaction:
        within = _within_reach(reach_in(store, transaction, principal), wanted)
        return rows.select_comments(transaction, principal.organization, within, survey, offset, limit)


def _within_reach(reach: Reach, wanted: Iterable[Stretch]) -> list[Stretch]:
    """The stretches without nodes that the principal does not reach."""
    return [Stretch(within, list(filter(reach.holds, nodes))) for within, nodes in wanted]


def _require_specification(change: Change, specification: int) -> AlertSpecification:
    """The alert specification. NotFound if it does not exist or its node is out of reach."""
    known = rows.select_specification(change.ledger, specification) if is_id(specification) else None
    if known is None or not change.reaches(known.node):
        raise NotFound(
            "unknown-alert-specification",
            "there is no alert specification {specification}",
            specification=specification,
        )
    return known


def _require_alert(change: Change, alert: int) -> Alert:
    """The alert. NotFound if it does not exist or its node is out of reach."""
    known = rows.select_alert(change.ledger, alert) if is_id(alert) else None
    if known is None or not change.reaches(known.node):
        raise NotFound("unknown-alert", "there is no alert {alert}", alert=alert)
    return known


def _require_oneself(change: Change, user: int) -> None:
    """Raises NotFound for a user who is not there, and Forbidden where a person acts for another one."""
    if not exists(change.ledger, "user_account", user):
        raise NotFound("unknown-user", "there is no user {user}", user=user)
    if change.principal.role.is_person and change.principal.id != user:
        raise Forbidden("not-oneself", "a person answers alerts as itself alone")
