"""Reading the set-up of an organization into two values: its layout and its content."""

from __future__ import annotations

import json
from collections import defaultdict
from datetime import datetime

from hymio.hierarchy import Hierarchy, Node, NodeKind
from hymio.misuse import MisusePolicy
from hymio.scale import IndexType, Scale
from hymio.setup import Content, Layout
from hymio.smiley import Placement, Smiley, SmileyType
from hymio.store.dialect import Row, Transaction
from hymio.survey import (
    ActivePeriod,
    Assignment,
    FollowupOption,
    FollowupQuestion,
    Localized,
    Question,
    Survey,
    SurveyType,
)

ZONE, POLICY = "time_zone", "misuse_policy"
"""The names of settings that have a time; an empty value says that from then on the node has none of its own."""

QUESTION, FOLLOWUP_QUESTION, FOLLOWUP_OPTION = "question", "followup_question", "followup_option"
"""The kinds of localized texts."""

Texts = dict[tuple[str, int], dict[str, str]]


def load_layout(transaction: Transaction, organization: int, revision: int) -> Layout:
    """What resolving a press of an organization needs."""
    tables = _Tables(transaction, organization)
    zones, policies = _settings(tables)
    return Layout(
        organization=organization,
        revision=revision,
        hierarchy=Hierarchy({node.id: node for node in map(_node, tables.rows("node"))}),
        surveys=_surveys(tables),
        assignments=_assignments(tables),
        smileys={row[0]: Smiley(row[0], row[1], row[2], SmileyType(row[3])) for row in tables.rows("smiley")},
        placements=tuple(Placement(row[0], row[2], row[1], row[3]) for row in tables.rows("placement")),
        zones=zones,
        policies=policies,
    )


def load_content(transaction: Transaction, organization: int, revision: int) -> Content:
    """The questions and follow-up questions of an organization with their texts."""
    tables = _Tables(transaction, organization)
    texts = _texts(tables)
    questions = {
        identity: Question(identity, Localized(locale, texts[QUESTION, identity]))
        for identity, locale in tables.rows("question")
    }
    followups = {survey: tuple(asked) for survey, asked in _followups(tables, texts).items()}
    return Content(organization, revision, questions, followups)


class _Tables:
    """The rows of one organization, without their first column."""

    def __init__(self, transaction: Transaction, organization: int) -> None:
        self._transaction, self._organization = transaction, organization

    def rows(self, table: str) -> list[Row]:
        text = f"SELECT * FROM {table} WHERE organization_id = :o"
        return [row[1:] for row in self._transaction.rows(text, o=self._organization)]


def _node(row: Row) -> Node:
    identity, parent, kind, name, public_name = row
    return Node(identity, parent, NodeKind(kind), name, public_name)


def _settings(
    tables: _Tables,
) -> tuple[dict[int, tuple[tuple[int, str | None], ...]], dict[int, tuple[tuple[int, MisusePolicy | None], ...]]]:
    zones: defaultdict[int, tuple[tuple[int, str | None], ...]] = defaultdict(tuple)
    policies: defaultdict[int, tuple[tuple[int, MisusePolicy | None], ...]] = defaultdict(tuple)
    for node, name, starts_at, value in tables.rows("node_setting"):
        if name == ZONE:
            zones[node] += ((starts_at, value or None),)
        elif name == POLICY:
            policies[node] += ((starts_at, policy_from(value) if value else None),)
    return dict(zones), dict(policies)


def policy_from(text: str) -> MisusePolicy:
    """A misuse policy from the JSON it is stored as."""
    values = json.loads(text)
    hours = tuple(tuple((start, end) for start, end in day) for day in values.pop("opening_hours", ()))
    return MisusePolicy(opening_hours=hours, **values)


def _surveys(tables: _Tables) -> dict[int, Survey]:
    return {
        identity: Survey(identity, question, Scale(scale), IndexType(index), SurveyType(kind))
        for identity, question, scale, index, kind in tables.rows("survey")
    }


def _texts(tables: _Tables) -> Texts:
    texts: defaultdict[tuple[str, int], dict[str, str]] = defaultdict(dict)
    for kind, identity, locale, text in tables.rows("localization"):
        texts[kind, identity][locale] = text
    return texts


def _followups(tables: _Tables, texts: Texts) -> defaultdict[int, list[FollowupQuestion]]:
    options: defaultdict[int, list[tuple[int, int]]] = defaultdict(list)
    for identity, question, position in tables.rows("followup_option"):
        options[question].append((position, identity))
    followups: defaultdict[int, list[FollowupQuestion]] = defaultdict(list)
    for identity, survey, positive, locale in sorted(tables.rows("followup_question")):
        wording = Localized(locale, texts[FOLLOWUP_QUESTION, identity])
        chosen = tuple(
            FollowupOption(option, Localized(locale, texts[FOLLOWUP_OPTION, option]))
            for _, option in sorted(options[identity])
        )
        followups[survey].append(FollowupQuestion(identity, bool(positive), wording, chosen))
    return followups


def _assignments(tables: _Tables) -> dict[int, Assignment]:
    periods: defaultdict[int, list[ActivePeriod]] = defaultdict(list)
    for assignment, starts, ends in sorted(tables.rows("active_period")):
        end = None if ends is None else datetime.fromisoformat(ends)
        periods[assignment].append(ActivePeriod(datetime.fromisoformat(starts), end))
    return {
        identity: Assignment(identity, node, survey, tuple(periods[identity]), smiley)
        for identity, node, survey, smiley in tables.rows("assignment")
    }
