"""Law 5 over HTTP: in generated trees, nobody reads a number or a name outside of his subtree by any address of pages.

People of every role, tokens and shared links ask every address that shows results; a new address of the server fails
the test until it is placed here.
"""

from __future__ import annotations

import io
import itertools
import json
import re
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hymio import manage
from hymio.access import Principal, Role, operator
from hymio.app import DOORS
from hymio.manage import LinkTerms
from hymio.manage.shared_links import LEAST_ANSWERS
from hymio.period import DAY_MS
from hymio.report.tables import TABLE_NAMES
from hymio.serving.door import Services
from hymio.settings import Settings
from hymio.store import Store
from hymio.web.report_files import EXTENSIONS
from tests.served import serving
from tests.test_laws import law, opened
from tests.test_v2_scope import plant, trees
from tests.world import NOW

LATER = NOW + 40 * DAY_MS
"""In a month after that of the presses: shared links without sign-in show only months that ended."""

MONTH = "period=2096-10"
PRESSES = 2
"""Those that `plant` makes at each point."""

NOT_OF_A_NODE = {
    "/account", "/account/links", "/account/links/revoke", "/account/password", "/account/preferences",
    "/account/sessions", "/health", "/language", "/look", "/look/sample.css", "/password", "/ready", "/sign-in",
    "/sign-out",
}  # fmt: skip
"""Addresses that show no results; the pages of one's account are asked too."""

OF_MACHINES = ("/v1", "/v2", "/docs", "/openapi.json", "/static", "/sms", "/terminal", "/favicon.ico", "/w/", "/k")
"""What begins so has tests of its own: tests/test_v2_scope.py, or shows nothing of an organization."""

OF_A_NODE = {"/", "/reports/{node:str}", "/reports/{node:str}/{table:str}", "/reports/{node:str}/spam"}
OF_A_SMILEY = {"/smileys", "/smileys/{smiley:str}", "/smileys/{smiley:str}/{name:str}"}
"""Names, no results: tests/test_smiley_pages.py; the list is asked by the law, too."""

OF_A_LINK = {"/shared/{name:str}", "/shared/{name:str}/{table:str}"}
_people = itertools.count(1)


def test_every_address_is_placed(fresh_store: Store) -> None:
    services = Services.of(fresh_store, Settings(), lambda: LATER)
    paths = {path for door in DOORS for route in door.routes(services) for path in route.paths}
    unplaced = {path for path in paths if not path.startswith(OF_MACHINES)}
    unplaced -= NOT_OF_A_NODE | OF_A_NODE | OF_A_LINK | OF_A_SMILEY
    assert not unplaced, "say in this file what they show, and ask them in the law below"
    assert paths >= OF_A_NODE | OF_A_LINK


@pytest.fixture
def fresh_store(shared_database_url: str) -> Store:
    return opened(shared_database_url)


@pytest.fixture(scope="module")
def served(shared_database_url: str) -> Iterator[tuple[Store, httpx.Client]]:
    store = opened(shared_database_url)
    with serving(store, now=LATER) as http:
        yield store, http


@dataclass(frozen=True)
class Garden:
    """An organization with a tree whose nodes have names that occur nowhere else."""

    store: Store
    http: httpx.Client
    organization: int
    parents: dict[int, int | None]
    points: frozenset[int]

    @property
    def boss(self) -> Principal:
        return operator(self.organization)

    def below(self, node: int) -> set[int]:
        """The node and all below it, by the parents alone."""
        inside = {node}
        for child in sorted(self.parents):  # parents have smaller numbers
            if self.parents[child] in inside:
                inside.add(child)
        return inside

    def answers(self, node: int, survey: int) -> int:
        """How many answers a survey has at a node: odd points ask the second one, even points the first."""
        return PRESSES * sum(point % 2 + 1 == survey for point in self.below(node) & self.points)


def name_of(node: int) -> str:
    return f"Place-{node}-Place"


def planted(store: Store, http: httpx.Client, tree: list[tuple[int, bool]]) -> Garden:
    organization = plant(store, tree)
    with manage.batch(store, organization, NOW) as batch:
        for node in range(1, len(tree) + 2):
            manage.rename_node(batch, operator(organization), node, name_of(node), now=NOW)
    parents: dict[int, int | None] = {1: None, **{node: parent for node, (parent, _) in enumerate(tree, 2)}}
    points = frozenset(node for node, (_, is_point) in enumerate(tree, 2) if is_point)
    return Garden(store, http, organization, parents, points)


@dataclass(frozen=True)
class Asker:
    """Who asks: the header of a session or token, and the node that is the top of what may be seen."""

    node: int
    headers: dict[str, str] = field(default_factory=dict)
    user: int = 0
    is_person: bool = True


def person(garden: Garden, node: int, role: Role) -> Asker:
    email = f"person{next(_people)}@example.com"
    user = manage.add_user(garden.store, garden.boss, email, "A", "B", node, role, now=NOW)
    secret = manage.begin_session(garden.store, garden.boss, user, now=LATER)
    return Asker(node, {"Cookie": f"hymio-session={secret}", "Accept": "text/html"}, user)


def token(garden: Garden, node: int) -> Asker:
    secret = manage.create_token(garden.store, garden.boss, "Token", node, now=NOW).secret
    return Asker(node, {"Authorization": f"Bearer {secret}"}, is_person=False)


def contents(answer: httpx.Response) -> str:
    """The text of an answer, of all files in it if it is a zip file or workbook."""
    if answer.headers.get("content-type", "").startswith(("application/zip", "application/vnd.openxmlformats")):
        with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
            return "\n".join(archive.read(name).decode() for name in archive.namelist())
    return answer.text


def assert_nothing_beyond(garden: Garden, answer: httpx.Response, node: int) -> None:
    """Only names at and below a node are in an answer, and what people left to be contacted is not."""
    text = contents(answer)
    named = {int(number) for number in re.findall(r"Place-(\d+)-Place", text)}
    assert named <= garden.below(node), (answer.url, named)
    assert not re.search(r"\bJo\b", text)


def assert_numbers_of(garden: Garden, answer: httpx.Response, node: int, least: int = 1) -> None:
    """The JSON of a report has the numbers of the model, or none of fewer answers than `least`."""
    value = json.loads(answer.content)
    assert value["node"]["id"] == node
    for line in value["surveys"]:
        number = line["figure"]["number"]
        assert number == garden.answers(node, line["id"]) or (least > 1 and (number is None or number >= least)), line
    for line in value["children"]:
        number = line["figure"]["number"]
        assert number == garden.answers(line["node"]["id"], value["survey"]["id"]) or (
            least > 1 and (number is None or number >= least)
        )


FILES = [extension for extension in EXTENSIONS if extension != "pdf"]
"""A PDF takes long to make; its text is held to the value by law 7."""

addresses = st.one_of(
    st.sampled_from(["/?node={node}", "/reports/{node}?" + MONTH, "/reports/{node}.pdf?period=0000"]),
    st.sampled_from([f"/reports/{{node}}.{extension}?{MONTH}" for extension in FILES]),
    st.sampled_from([f"/reports/{{node}}/{table}.csv?{MONTH}" for table in TABLE_NAMES]),
    st.sampled_from([f"/reports/{{node}}.json?{MONTH}&survey={survey}" for survey in (1, 2, 3)]),
)


@settings(law, max_examples=max(10, law.max_examples // 5))
@given(st.data(), trees())
def test_nobody_reads_beyond_his_subtree(
    served: tuple[Store, httpx.Client], data: st.DataObject, tree: list[tuple[int, bool]]
) -> None:
    garden = planted(*served, tree)
    manage.activate_api(garden.store, garden.boss, now=NOW)
    nodes = st.sampled_from(sorted(garden.parents))
    roles = st.sampled_from([Role.USER, Role.USER, Role.ADMIN, Role.PARTNER])
    askers = [person(garden, data.draw(nodes), data.draw(roles)), token(garden, data.draw(nodes))]
    for asker in askers:
        for address in ("/", "/account", "/account/links") if asker.is_person else ():
            answer = garden.http.get(address, headers=asker.headers)
            assert answer.status_code == 200
            assert_nothing_beyond(garden, answer, asker.node)
        assert_nothing_beyond(garden, garden.http.get("/smileys", headers=asker.headers), asker.node)
        for address in data.draw(st.lists(addresses, min_size=2, max_size=5)):
            if asker.is_person or address.startswith("/reports/{node}."):
                _ask(garden, asker, address, data.draw(st.sampled_from([*garden.parents, 99])))


def _ask(garden: Garden, asker: Asker, address: str, node: int) -> None:
    """One request: a node outside is answered as one that is not there."""
    answer = garden.http.get(address.format(node=node), headers=asker.headers)
    assert_nothing_beyond(garden, answer, asker.node)
    if node not in garden.below(asker.node):
        unknown = garden.http.get(address.format(node=98), headers=asker.headers)
        assert (answer.status_code, unknown.status_code) in {(404, 404), (400, 400)}
        pattern = rf"\b{node}\b"  # of node 8 no part of 98
        assert re.sub(pattern, "98", answer.text) == re.sub(pattern, "98", unknown.text)
    elif answer.status_code == 200 and ".json" in address:
        assert_numbers_of(garden, answer, node)
    else:
        assert answer.status_code in (200, 400, 404)  # a period or a survey that is none


@settings(law, max_examples=max(10, law.max_examples // 5))
@given(st.data(), trees())
def test_a_shared_link_shows_its_own_report_alone(
    served: tuple[Store, httpx.Client], data: st.DataObject, tree: list[tuple[int, bool]]
) -> None:
    garden = planted(*served, tree)
    nodes = st.sampled_from(sorted(garden.parents))
    owner = person(garden, data.draw(nodes), data.draw(st.sampled_from([Role.USER, Role.ADMIN])))
    reader = person(garden, data.draw(nodes), Role.USER)
    node, needs_sign_in = data.draw(st.sampled_from(sorted(garden.below(owner.node)))), data.draw(st.booleans())
    terms = LinkTerms("Link", node, MONTH, LATER + DAY_MS, needs_sign_in, data.draw(st.booleans()))
    link = manage.share_report(garden.store, garden.boss, owner.user, terms, now=LATER)
    headers = reader.headers if needs_sign_in else {}
    other = data.draw(nodes)
    ends = ["", *(f".{extension}" for extension in FILES), *(f"/{table}.csv" for table in TABLE_NAMES)]
    for end in ["", ".json", *data.draw(st.lists(st.sampled_from(ends), max_size=3))]:
        address = f"/shared/{link.secret}{end}?node={other}&period=2096&survey=2&smileyType=touch&asOf=1"
        answer = garden.http.get(address, headers=headers)
        assert answer.status_code == 200, answer.text
        assert_nothing_beyond(garden, answer, node)
        if end == ".json":
            assert_numbers_of(garden, answer, node, 1 if needs_sign_in else LEAST_ANSWERS)
            assert (json.loads(answer.content)["texts"] is not None) <= terms.shows_texts
        if needs_sign_in:
            assert garden.http.get(address).status_code == 404
    manage.revoke_link(garden.store, garden.boss, link.id, now=LATER)
    assert garden.http.get(f"/shared/{link.secret}", headers=headers).status_code == 404
