"""The documents are true: the example organization answers as their examples say, and OpenAPI describes it all."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path
from typing import NamedTuple

import httpx
import jsonschema
import pytest
from openapi_spec_validator import validate

from hymio import manage
from hymio.access import operator
from hymio.api import openapi, v1
from hymio.api.v2.openapi import operations
from hymio.settings import described
from hymio.store import Store, open_store
from hymio.web import docs
from tests.databases import Databases
from tests.example import NOW, TERMINAL, Example, make_example
from tests.example_v2 import furnish, press_with_phases
from tests.served import Api, check, serving

DOCS = Path(__file__).parents[1] / "docs"
EXAMPLE = re.compile(
    r"```http\n(?P<request>GET /v\d[^\n]+)\n```\n\n```json ?(?P<status>\d*)\n(?P<body>.*?)\n```", re.DOTALL
)
UPDATE = "HYMIO_UPDATE_EXAMPLES"


class World(NamedTuple):
    """A served store, the example organization in it, and a token of another one that has all that API v2 shows."""

    store: Store
    example: Example
    api: Api
    token: str

    def get(self, request_line: str, *, authenticated: bool) -> httpx.Response:
        """An answer to a line of a document, held to the OpenAPI document."""
        path = request_line.removeprefix("GET ")
        if path.startswith("/v1"):
            return (self.api if authenticated else self.api.of(None)).get(path)
        return self.api.of(None).get(path, {"X-HON-API-Token": self.token} if authenticated else None)


@pytest.fixture(scope="module")
def world(databases: Databases) -> Iterator[World]:
    url = databases.make("sqlite")
    store = open_store(url)
    example = make_example(store)
    with serving(store) as http:
        yield World(store, example, Api(http, example.credentials), _furnished(store))
    store.close()
    databases.give_back(url)


def _furnished(store: Store) -> str:
    organization = make_example(store, "Acme with everything").organization
    furnish(store, organization)
    press_with_phases(store, organization)
    with manage.batch(store, organization, NOW) as batch:
        return manage.create_token(batch, operator(organization), "Power BI", now=NOW).secret


class Secrets(NamedTuple):
    """What the ways in want to see."""

    token: str
    sms: str


@pytest.fixture(scope="module")
def secrets(world: World) -> Secrets:
    with manage.batch(world.store, world.example.organization, NOW) as batch:
        return Secrets(
            manage.new_token(batch, operator(world.example.organization), TERMINAL, now=NOW),
            manage.new_sms_secret(batch, operator(world.example.organization), now=NOW),
        )


@pytest.fixture(scope="module")
def api(world: World) -> Api:
    return world.api


def examples() -> list[tuple[str, int, str]]:
    texts = [(DOCS / name).read_text() for name in ("api-v1.md", "api-v2.md")]
    found = [each for text in texts for each in EXAMPLE.finditer(text)]
    return [(each["request"], int(each["status"] or 200), each["body"]) for each in found]


def test_there_is_an_example_for_every_endpoint():
    paths = [request.removeprefix("GET ").partition("?")[0] for request, _, _ in examples()]
    for endpoint in v1.ENDPOINTS:
        pattern = endpoint.path.replace("{key}", "[0-9]+")
        assert any(re.fullmatch(pattern, path) for path in paths), endpoint.path


def test_every_endpoint_has_a_heading():
    headings = re.findall(r"^### GET (\S+)$", (DOCS / "api-v1.md").read_text(), re.MULTILINE)
    assert headings == [endpoint.path.replace("{key}", ":key") for endpoint in v1.ENDPOINTS]


def test_no_request_stands_twice():
    requests = [request for request, _, _ in examples()]
    assert [request for request in requests if requests.count(request) > 1] == [], "only one would be compared"


def test_every_listing_has_a_heading_and_an_example():
    headings = re.findall(r"^### GET (\S+)$", (DOCS / "api-v2.md").read_text(), re.MULTILINE)
    listings = [f"/v2/{each.name}.json" for each in operations()]
    assert sorted(headings) == sorted(["/v2/token/introspect", *listings])
    paths = {request.removeprefix("GET ").partition("?")[0] for request, _, _ in examples()}
    assert paths >= set(headings)


@pytest.mark.parametrize("request_line", [request for request, _, _ in examples()])
def test_an_example_is_what_the_example_organization_answers(request_line: str, world: World):
    [(status, body)] = [(status, body) for request, status, body in examples() if request == request_line]
    answer = world.get(request_line, authenticated=status != 401)
    if os.environ.get(UPDATE):
        _put(request_line, answer.json())
        return
    assert (answer.status_code, answer.json()) == (status, json.loads(body)), f"set {UPDATE}=1 to write it anew"


def _put(request_line: str, content: object) -> None:
    path = DOCS / f"api-{request_line[5:7]}.md"
    text = path.read_text()
    [found] = [each for each in EXAMPLE.finditer(text) if each["request"] == request_line]
    path.write_text(text[: found.start("body")] + _readable(content) + text[found.end("body") :])


def _readable(content: object, indent: str = "", before: str = "") -> str:
    """JSON with an object or list on one line where that is short."""
    line = json.dumps(content, ensure_ascii=False)
    if len(indent + before + line) <= 88 or not isinstance(content, dict | list):
        return before + line
    deeper = indent + "  "
    if isinstance(content, dict):
        lines = [deeper + _readable(value, deeper, f'"{name}": ') for name, value in content.items()]
        return before + "{\n" + ",\n".join(lines) + f"\n{indent}}}"
    return before + "[\n" + ",\n".join(deeper + _readable(each, deeper) for each in content) + f"\n{indent}]"


# --- the OpenAPI document --------------------------------------------------------------------------------------------


def test_the_openapi_document_is_valid():
    validate(openapi.document("https://hymio.example.com"))


def test_the_openapi_document_is_served_as_it_is_made(api: Api):
    answer = api.request("GET", "/openapi.json")
    assert answer.headers["content-type"] == "application/json; charset=utf-8"
    assert answer.json() == openapi.document("http://127.0.0.1:0"), "the settings of the tests name port 0"


@pytest.mark.parametrize(
    ("path", "headers", "content", "status"),
    [
        ("/terminal/v1/uploads", {"Authorization": "Bearer TOKEN"}, '{"clock": 1709640000000}', 200),
        ("/terminal/v1/uploads", {"Authorization": "Bearer TOKEN"}, "[]", 400),
        ("/terminal/v1/uploads", {"Authorization": "Bearer wrong"}, "{}", 401),
        ("/terminal/v1/uploads", {"Authorization": "Bearer TOKEN"}, " " * (5 << 20), 413),
        ("/sms", {"X-Hymio-Secret": "SECRET", "Content-Type": "text/plain"}, "hello", 204),
        ("/sms", {"X-Hymio-Secret": "SECRET"}, "", 400),
        ("/sms", {}, "text=hello", 401),
    ],
)
def test_the_ways_in_answer_as_published(
    path: str, headers: dict[str, str], content: str, status: int, api: Api, secrets: Secrets
):
    known = {"TOKEN": secrets.token, "SECRET": secrets.sms}
    filled = {name: re.sub("TOKEN|SECRET", lambda found: known[found[0]], value) for name, value in headers.items()}
    answer = api.http.post(path, headers=filled, content=content)
    assert answer.status_code == status, answer.text
    check(answer)


@pytest.mark.parametrize("file", openapi.SCHEMA_FILES.values())
def test_schemas_are_served(file: str, api: Api):
    jsonschema.Draft202012Validator.check_schema(api.request("GET", f"/docs/schema/{file}").json())


def test_no_other_file_is_served(api: Api):
    for path in ("/docs/schema/nothing.json", "/docs/schema/..%2Fupload.py", "/docs/nothing", "/docs/..%2Fopenapi.py"):
        assert api.request("GET", path).status_code == 404


def test_every_query_parameter_is_described():
    assert {name for endpoint in v1.ENDPOINTS for name in endpoint.parameters} == openapi.PARAMETERS.keys()


# --- the pages -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("page", docs.PAGES, ids=lambda page: page.name)
def test_a_page_shows_no_note_to_its_editors(page: docs.Page, api: Api):
    assert "&lt;!--" not in api.request("GET", page.address).text


@pytest.mark.parametrize("page", docs.PAGES, ids=lambda page: page.name)
def test_a_page_is_whole_and_needs_nothing_from_elsewhere(page: docs.Page, api: Api):
    answer = api.request("GET", page.address)
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    elsewhere = re.findall(r"""<(?:script|img|link|iframe)[^>]*(?:src|href)=["'](?!data:)([^"']+)""", answer.text)
    assert elsewhere == []
    assert "not affiliated with HappyOrNot" in answer.text


@pytest.mark.parametrize("page", docs.PAGES, ids=lambda page: page.name)
def test_links_between_pages_and_within_them_lead_somewhere(page: docs.Page, api: Api):
    text = api.request("GET", page.address).text
    for target in re.findall(r'<a [^>]*href="([^"]+)"', text):
        address, _, anchor = target.partition("#")
        if address.startswith("https://"):
            continue
        found = api.request("GET", address or page.address)
        assert found.status_code == 200, target
        assert not anchor or f'id="{anchor}"' in found.text, target


def test_a_page_that_has_not_changed_is_not_sent_again(api: Api):
    first = api.request("GET", "/docs")
    again = api.request("GET", "/docs", {"If-None-Match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")


def test_commands_name_the_address_of_this_server(api: Api):
    text = api.request("GET", "/docs").text
    assert "http://127.0.0.1:0/v1/folders" in text, "the settings of the tests name port 0"
    assert "hymio.example.com" not in text


def test_documents_in_the_package_are_those_in_docs():
    served = {page.file for page in (*docs.PAGES, *docs.decisions())}
    assert served == {str(file.relative_to(DOCS)) for file in DOCS.glob("**/*.md") if file.parent.name != "screens"}
    for page in docs.PAGES:
        assert (files("hymio.web") / "pages" / page.file).read_text() == (DOCS / page.file).read_text()


def test_the_example_of_the_settings_names_an_address_of_its_own(api: Api):
    text = api.request("GET", "/docs/settings").text
    assert "https://feedback.example.com" in text
    assert "http://127.0.0.1" not in text


def test_headings_vanish_only_where_all_but_the_first_are_empty_and_code_is_whole():
    css = (files("hymio.web") / "templates" / "page.css").read_text()
    assert re.findall(r"thead tr(\S+) \{ display: none; \}", css) == [":not(:has(th:nth-child(n+2):not(:empty)))"]
    assert "white-space: pre-wrap" in re.findall(r"^pre \{.*", css, re.MULTILINE)[0]
    assert "box-decoration-break: clone" in re.findall(r"^code \{.*", css, re.MULTILINE)[0]


def test_every_setting_is_documented():
    rows = re.findall(r"^\| `(\w+)` \| (?:`([^`]*)`)? *\| (.+) \|$", (DOCS / "settings.md").read_text(), re.MULTILINE)
    assert rows == [(each.name, each.default, each.help) for each in described()]


# --- colours ---------------------------------------------------------------------------------------------------------


def luminance(colour: str) -> float:
    """Relative luminance of `#rrggbb`, as WCAG 2 defines it."""
    parts = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    """From 1, the same, to 21, black on white."""
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def palettes() -> list[dict[str, str]]:
    """The colours by name: light, then dark."""
    css = (files("hymio.web") / "templates" / "page.css").read_text()
    return [
        dict(re.findall(r"--([\w-]+): (#\w{6});", block)) for block in re.findall(r":root \{(.*?)\}", css, re.DOTALL)
    ]


PLAIN = {"p", "o", "n", "nb", "w"}
"""Pygments' classes of punctuation, operators, names and spaces, which have the colour of text."""

TOKENS = ("key", "string", "number", "word", "comment")
"""The colours of code, as the palettes name them."""


@pytest.mark.parametrize("page", docs.PAGES[:6], ids=lambda page: page.name)
def test_code_is_coloured_by_classes_and_none_of_it_is_a_syntax_error(page: docs.Page, api: Api):
    css = (files("hymio.web") / "templates" / "page.css").read_text()
    rules = re.findall(r"^((?:\.\w+(?:, )?)+) \{ color: var\(--(\w+)\); \}", css, re.MULTILINE)
    colours = {name: colour for names, colour in rules for name in re.findall(r"\w+", names)}
    text = api.request("GET", page.address).text
    blocks = re.findall(r"<pre tabindex=\"0\"><code>(.*?)</code></pre>", text, re.DOTALL)
    used = {name for block in blocks for name in re.findall(r"<span([^>]*)>", block)}
    assert {name for name in used if not re.fullmatch(r' class="\w+"', name)} <= {""}
    classes = {name.split('"')[1] for name in used if name} - PLAIN
    assert classes <= {name for name, colour in colours.items() if colour in TOKENS}
    assert classes or not blocks


def test_each_table_cell_names_its_column_for_narrow_screens(api: Api):
    text = api.request("GET", "/docs/compatibility").text
    assert "<td>" not in text
    assert '<td data-label="choice">' in text


@pytest.mark.parametrize("palette", palettes(), ids=["light", "dark"])
def test_text_stands_out_from_what_is_behind_it(palette: dict[str, str]):
    """WCAG AA: 4.5 to 1."""
    behind = {"paper": ["ink", "soft", "accent"], "accent": ["paper"], "accent-wash": ["ink", "accent"]}
    behind["wash"] = ["ink", "soft", "accent", *TOKENS]
    for ground, texts in behind.items():
        for text in texts:
            assert contrast(palette[ground], palette[text]) >= 4.5, f"{text} on {ground}"


@pytest.mark.parametrize(
    ("alias", "address"),
    [
        ("/docs/api-v1", "/docs"),
        ("/docs/api-v1.md", "/docs"),
        ("/docs/operations.md", "/docs/operations"),
        ("/docs/decisions/README.md", "/docs/decisions"),
    ],
)
def test_a_document_is_at_the_name_of_its_file_too(alias: str, address: str, api: Api):
    assert api.request("GET", alias).text == api.request("GET", address).text


def test_the_documentation_is_searched_without_a_script(api: Api):
    found = api.request("GET", "/docs/search?q=Disk+FULL").text
    assert 'href="/docs/operations#what-to-do-when"' in found
    assert "No section has all of these words." in api.request("GET", "/docs/search?q=zebra+crossing").text
    assert 'action="/docs/search"' in api.request("GET", "/docs").text
    for query in ("", "?q=", "?q=%3Cscript%3E", f"?q={'a' * 5000}", "?q=%00%FF"):
        answer = api.request("GET", f"/docs/search{query}")
        assert answer.status_code == 200
        assert "<script>alert" not in answer.text
    assert "&lt;script&gt;" in api.request("GET", "/docs/search?q=%3Cscript%3E").text


def test_a_table_that_scrolls_shows_it():
    """Shadows at its edges that its own background covers where it ends."""
    for file in ("templates/page.css", "static/pages.css"):
        css = (files("hymio.web") / file).read_text()
        rule = re.search(r"^\.(?:table|scroll) \{[^}]*overflow-x: auto[^}]*\}", css, re.MULTILINE)
        assert rule is not None
        assert rule[0].count("local") >= 2
