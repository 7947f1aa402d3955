"""Law 5: in generated trees, no principal of any node is given hours or rows from outside of its subtree."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager
from functools import partial
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hymio import intake, manage, results
from hymio.access import EVERY_KIND, DataKind, Permission, Principal, Role, Via, operator
from hymio.api.v2.feedbacks import KINDS
from hymio.errors import Forbidden, NotFound
from hymio.feedback import Upload
from hymio.results import EVERYTHING, OfAssignment, OfNode, OfScale, OfSurvey, Phase, Query, RowSubject
from hymio.setup import Layout
from hymio.store import Store
from tests.test_laws import law, opened
from tests.test_v2_scope import plant, trees
from tests.world import NOW, build

Reading = Callable[[Store, Principal, Any], AbstractContextManager[Any]]
TEXTS, FOLLOWUPS = (partial(results.answers, phase=phase) for phase in (Phase.TEXT, Phase.FOLLOWUP))
READINGS: tuple[Reading, ...] = (results.raw, TEXTS, FOLLOWUPS)


def subjects(layout: Layout) -> list[RowSubject]:
    """Everything that results can be asked of, and of each kind something that is not there."""
    nodes, assignments = [*layout.hierarchy.nodes, 99], [*layout.assignments, 99]
    of_nodes = (OfNode(node) for node in nodes)
    of_surveys = (OfSurvey(node, survey) for node in nodes for survey in (*layout.surveys, 99))
    return [*map(OfAssignment, assignments), *of_nodes, *of_surveys, *(OfScale(node, 5) for node in nodes)]


def is_reached(layout: Layout, principal: Principal, subject: RowSubject) -> bool:
    """Whether a subject lies in the principal's subtree: its node or point, and its survey by where it is asked."""
    inside = {node.id for node in layout.hierarchy.subtree(principal.node or 1)}
    if isinstance(subject, OfAssignment):
        return subject.assignment in layout.assignments and layout.assignments[subject.assignment].node in inside
    if isinstance(subject, OfSurvey) and principal.node not in (None, 1):
        asked = {each.survey for each in layout.assignments.values() if each.node in inside}
        return subject.node in inside and subject.survey in asked
    return subject.node in inside and not (isinstance(subject, OfSurvey) and subject.survey not in layout.surveys)


@law
@given(st.data(), trees())
def test_no_hour_and_no_row_lies_outside(
    shared_database_url: str, data: st.DataObject, tree: list[tuple[int, bool]]
) -> None:
    store = opened(shared_database_url)
    organization = plant(store, tree)
    layout = store.layout(organization)
    node = data.draw(st.sampled_from([None, *layout.hierarchy.nodes]))
    role = data.draw(st.sampled_from([Role.USER, Role.ADMIN, Role.CLIENT]))
    principal = Principal(organization, role, Via.SESSION, "Somebody", 1, node)
    inside = {each.id for each in layout.hierarchy.subtree(node or 1)}
    for subject in data.draw(st.lists(st.sampled_from(subjects(layout)), min_size=1, max_size=6)):
        phase, reading = data.draw(st.sampled_from(Phase)), data.draw(st.sampled_from(READINGS))
        if not is_reached(layout, principal, subject):
            assert_not_found(store, principal, subject, phase, reading)
            continue
        if phase is not Phase.CONTACT or principal.may(Permission.READ_CONTACT_DETAILS):
            with results.rows(store, principal, Query(subject, EVERYTHING, phase, misuse=True), NOW) as found:
                assert {layout.assignments[row.assignment].node for row in found.rows} <= inside
        with reading(store, principal, subject) as mine, reading(store, operator(organization), subject) as whole:
            assert (mine.total, list(mine.rows)) == (whole.total, list(whole.rows))
        if not isinstance(subject, OfNode):
            assert results.hourly(store, principal, subject) == results.hourly(store, operator(organization), subject)


def assert_not_found(store: Store, principal: Principal, subject: RowSubject, phase: Phase, reading: Reading) -> None:
    """Nothing of a subject is given, and nothing says whether it is outside or not there at all."""
    if phase is Phase.CONTACT and not principal.may(Permission.READ_CONTACT_DETAILS):
        phase = Phase.BUTTON
    refused = results.rows(store, principal, Query(subject, EVERYTHING, phase), NOW)
    with pytest.raises(NotFound, match=r"^there is no (node|assignment|survey) \d+$"), refused:
        pass
    with pytest.raises(NotFound), reading(store, principal, subject):
        pass
    with pytest.raises(NotFound), results.raw_csv(store, principal, subject):
        pass
    if not isinstance(subject, OfNode):
        with pytest.raises(NotFound):
            results.hourly(store, principal, subject)
        with pytest.raises(NotFound):
            results.reconcile(store, principal, subject, EVERYTHING, NOW)


def test_reading_takes_the_permission_and_raw_rows_that_raw_results_are_on(store: Store) -> None:
    organization = plant(store, [(1, True)])
    device = Principal(organization, Role.DEVICE, Via.DEVICE, "S2")
    subject = OfScale(1, 5)
    with pytest.raises(Forbidden, match="results:read"):
        results.hourly(store, device, subject)
    with pytest.raises(Forbidden, match="results:read"), TEXTS(store, device, subject):
        pass
    without_raw = Principal(organization, Role.CLIENT, Via.V2_TOKEN, "Test", raw_results=False)
    for refused in (
        results.raw(store, without_raw, subject),
        results.raw_csv(store, without_raw, subject),
        results.rows(store, without_raw, Query(subject, EVERYTHING), NOW),
    ):
        with pytest.raises(Forbidden, match="Raw results are switched off"), refused:
            pass
    assert sum(sum(bucket.raw) for bucket in results.hourly(store, without_raw, subject).buckets) == 2
    with TEXTS(store, without_raw, subject) as found:
        assert found.total == 2


KIND_OF_PHASE = {kind.phase: kind.data for kind in KINDS}

Needs = tuple[Callable[[], object], set[Permission], set[DataKind]]
"""A way to read, with the permissions and the kinds of data that it takes."""


def reading_needs(
    store: Store, principal: Principal
) -> list[tuple[Callable[[], object], set[Permission], set[DataKind]]]:
    """Each way to read for a principal."""
    subject, buttons, texts = OfScale(1, 5), DataKind.BUTTON_FEEDBACKS, DataKind.TEXT_FEEDBACKS

    def listed(reading: Callable[..., AbstractContextManager[Any]], *asked: Any) -> Callable[[], object]:
        def read() -> object:
            with reading(store, principal, *asked) as found:
                return list(found.chunks if reading is results.raw_csv else found.rows)

        return read

    contact = {Phase.CONTACT: {Permission.READ_CONTACT_DETAILS}}
    stretches = [manage.Stretch(EVERYTHING, [1])]
    needs = [
        (listed(results.rows, Query(subject, EVERYTHING, phase), NOW), contact.get(phase, set()), {kind})
        for phase, kind in KIND_OF_PHASE.items()
    ]
    needs += [
        (listed(results.raw, subject), set(), {buttons, texts}),
        (listed(results.raw_csv, subject), set(), {buttons}),
        (listed(TEXTS, subject), set(), {texts}),
        (listed(FOLLOWUPS, subject), set(), {DataKind.FOLLOWUP_FEEDBACKS}),
        (lambda: results.hourly(store, principal, subject), set(), {buttons}),
        (lambda: results.reconcile(store, principal, subject, EVERYTHING, NOW), set(), {buttons}),
        (lambda: manage.alerts(store, principal, stretches, None, 0, 9), set(), {DataKind.ALERTS}),
        (lambda: manage.alert_comments(store, principal, stretches, None, 0, 9), set(), {DataKind.ALERTS}),
    ]
    read_results = [(read, {Permission.READ_RESULTS} | permissions, kinds) for read, permissions, kinds in needs]
    return [
        *read_results,
        (lambda: manage.alert_specifications(store, principal), {Permission.READ_SETUP}, {DataKind.ALERTS}),
        (lambda: manage.custom_fields(store, principal), {Permission.READ_SETUP}, {DataKind.CUSTOM_DATA}),
        (lambda: manage.custom_values(store, principal), {Permission.READ_SETUP}, {DataKind.CUSTOM_DATA}),
        (lambda: manage.api_flags(store, principal), {Permission.READ_SETUP}, set()),
        (lambda: manage.users(store, principal), {Permission.READ_USERS}, {DataKind.USERS}),
    ]


@law
@given(st.sampled_from(Role), st.one_of(st.sets(st.sampled_from(DataKind)), st.just(EVERY_KIND)))
def test_a_principal_reads_what_its_role_and_its_kinds_of_data_allow_and_nothing_else(
    shared_database_url: str, role: Role, kinds: Iterable[DataKind]
) -> None:
    store = opened(shared_database_url)
    organization = plant(store, [(1, True)])
    principal = Principal(organization, role, Via.SESSION, "Somebody", 1, 1, frozenset(kinds))
    for read, permissions, of_kinds in reading_needs(store, principal):
        if permissions <= role.permissions and of_kinds <= principal.kinds:
            read()
            continue
        with pytest.raises(Forbidden):
            read()


def test_what_people_left_to_be_contacted_takes_a_permission_of_its_own(store: Store) -> None:
    organization = plant(store, [(1, True)])
    query = Query(OfNode(1), EVERYTHING, Phase.CONTACT)
    with results.rows(store, operator(organization), query, NOW) as found:
        assert list(found.rows)
    user = Principal(organization, Role.USER, Via.SESSION, "Somebody", 1)
    with pytest.raises(Forbidden, match="contact-details:read"), results.rows(store, user, query, NOW):
        pass


def test_whoever_reaches_a_node_sees_how_far_the_smileys_there_have_reported_and_no_others(store: Store) -> None:
    world = build(store)
    everybody = operator(world.organization)
    intake.record(store, world.organization, [Upload(smiley, reported_through=NOW) for smiley in world.smileys], NOW)
    layout = store.layout(world.organization)
    assert set(results.reported_through(store, everybody)) == set(world.smileys)
    for node in layout.hierarchy.nodes:
        principal = Principal(world.organization, Role.USER, Via.SESSION, "Somebody", 1, node)
        below = {point.id for point in layout.hierarchy.points(node)}
        placed = {row.smiley for rows in layout.placements.values() for row in rows if row.node in below}
        expected = set(world.smileys) if node == world.root else placed
        assert set(results.reported_through(store, principal)) == expected
