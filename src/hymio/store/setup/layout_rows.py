"""Reading the rows of layouts, all or those of some ids."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Mapping
from datetime import datetime

from hymio.hierarchy import Node, NodeKind
from hymio.misuse import MisusePolicy
from hymio.opening_hours import OpeningHours
from hymio.scale import IndexType, Scale
from hymio.setup import ChangedIds, Layout, LayoutRows, Part
from hymio.setup.rows import Steps
from hymio.smiley import Placement, Publication, Smiley, SmileyType
from hymio.store.dialect import Transaction
from hymio.store.setup.tables import Ids, Tables, with_none_for_missing
from hymio.survey import ActivePeriod, Assignment, Survey, SurveyType

ZONE, POLICY = "time_zone", "misuse_policy"
"""The names of settings that have a time; an empty value says that from then on the node has none of its own."""


def load_layout(transaction: Transaction, organization: int, revision: int) -> Layout:
    """The layout of an organization from all its rows."""
    rows = _layout_rows(Tables(transaction, organization), dict.fromkeys(Part))
    return Layout(organization, revision).changed(rows, revision)


def layout_rows(transaction: Transaction, organization: int, changed_ids: ChangedIds) -> LayoutRows:
    """The layout rows of some ids; None for those that are not there."""
    return _layout_rows(Tables(transaction, organization), changed_ids)


def _layout_rows(tables: Tables, ids: Mapping[Part, Ids]) -> LayoutRows:
    """The rows of a layout with these ids."""
    zones, policies = _settings(tables, ids.get(Part.NODE_SETTING, ()))
    return LayoutRows(
        nodes=_nodes(tables, ids.get(Part.NODE, ())),
        zones=zones,
        policies=policies,
        surveys=_surveys(tables, ids.get(Part.SURVEY, ())),
        assignments=_assignments(tables, ids.get(Part.ASSIGNMENT, ())),
        smileys=_smileys(tables, ids.get(Part.SMILEY, ())),
        placements=_placements(tables, ids.get(Part.PLACEMENT, ())),
    )


def _nodes(tables: Tables, ids: Ids) -> dict[int, Node | None]:
    """Nodes by id."""
    rows = tables.rows("node", ("id", "parent_id", "kind", "name", "public_name"), ids)
    nodes = (Node(key, parent, NodeKind(kind), name, public) for key, parent, kind, name, public in rows)
    return with_none_for_missing(ids, {node.id: node for node in nodes})


def _settings(tables: Tables, ids: Ids) -> tuple[dict[int, Steps[str] | None], dict[int, Steps[MisusePolicy] | None]]:
    """Zones and policies by node."""
    zones: defaultdict[int, Steps[str]] = defaultdict(tuple)
    policies: defaultdict[int, Steps[MisusePolicy]] = defaultdict(tuple)
    for node, starts_at, name, value in tables.rows("node_setting", ("node_id", "starts_at", "name", "value"), ids):
        if name == ZONE:
            zones[node] += ((starts_at, value or None),)
        elif name == POLICY:
            policies[node] += ((starts_at, policy_from(value) if value else None),)
    return with_none_for_missing(ids, zones), with_none_for_missing(ids, policies)


def policy_from(text: str) -> MisusePolicy:
    """A misuse policy from the JSON it is stored as."""
    values = json.loads(text)
    week = [tuple((start, end) for start, end in day) for day in values.pop("opening_hours", None) or ()]
    return MisusePolicy(opening_hours=OpeningHours._make(week) if week else None, **values)


def _surveys(tables: Tables, ids: Ids) -> dict[int, Survey | None]:
    """Surveys by id."""
    rows = tables.rows("survey", ("id", "question_id", "scale", "index_type", "type"), ids)
    surveys = (
        Survey(key, question, Scale(scale), IndexType(index), SurveyType(kind))
        for key, question, scale, index, kind in rows
    )
    return with_none_for_missing(ids, {survey.id: survey for survey in surveys})


def _assignments(tables: Tables, ids: Ids) -> dict[int, Assignment | None]:
    """Assignments with their active periods by id."""
    periods: defaultdict[int, tuple[ActivePeriod, ...]] = defaultdict(tuple)
    for assignment, starts, ends in tables.rows("active_period", ("assignment_id", "starts", "ends"), ids):
        end = None if ends is None else datetime.fromisoformat(ends)
        periods[assignment] += (ActivePeriod(datetime.fromisoformat(starts), end),)
    rows = tables.rows("assignment", ("id", "node_id", "survey_id", "smiley_id"), ids)
    assignments = (Assignment(key, node, survey, periods[key], smiley) for key, node, survey, smiley in rows)
    return with_none_for_missing(ids, {assignment.id: assignment for assignment in assignments})


def _smileys(tables: Tables, ids: Ids) -> dict[int, Smiley | None]:
    """Smileys by id."""
    rows = tables.rows("smiley", ("id", "serial", "name", "type"), ids)
    published = _publications(tables, ids)
    smileys = (Smiley(key, serial, name, SmileyType(kind), published.get(key)) for key, serial, name, kind in rows)
    return with_none_for_missing(ids, {smiley.id: smiley for smiley in smileys})


def _publications(tables: Tables, ids: Ids) -> dict[int, Publication]:
    """How smileys are open to the web, by smiley."""
    columns = ("smiley_id", "token", "code", "origins", "answer_interval", "is_installing", "work_bits", "is_withdrawn")
    return {
        smiley: Publication(token, code, tuple(json.loads(origins)), interval, bool(installing), bits, bool(withdrawn))
        for smiley, token, code, origins, interval, installing, bits, withdrawn in tables.rows(
            "web_smiley", columns, ids
        )
    }


def _placements(tables: Tables, ids: Ids) -> dict[int, tuple[Placement, ...] | None]:
    """Placements by smiley."""
    placements: defaultdict[int, tuple[Placement, ...]] = defaultdict(tuple)
    for smiley, start, node, end in tables.rows("placement", ("smiley_id", "starts_at", "node_id", "ends_at"), ids):
        placements[smiley] += (Placement(smiley, node, start, end),)
    return with_none_for_missing(ids, placements)
