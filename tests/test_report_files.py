"""Files of a report at their addresses: what they hold, who gets them, their names, and 304."""

from __future__ import annotations

import csv
import io
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass

import httpx
import jsonschema
import openpyxl
import pytest
from pypdf import PdfReader

from hymio import manage, report
from hymio.access import EVERY_KIND, DataKind, Principal, operator
from hymio.report.files import from_json
from hymio.report.tables import TABLE_NAMES
from hymio.store import Store
from hymio.web.report_files import EXTENSIONS, chunks_of
from tests.example import FOUND, HELSINKI, NEW_YORK, NOW, make_example
from tests.pages import Browser, add_person
from tests.served import serving

JANE = "jane.doe@example.com"
PERIOD = "period=2024-03"


@dataclass
class Place:
    """A served organization with a person and a token, both of whom see everything."""

    store: Store
    http: httpx.Client
    boss: Principal
    now: list[int]

    def token(self, **limits: object) -> dict[str, str]:
        """The header of a new token."""
        made = manage.create_token(self.store, self.boss, "Files", now=NOW, **limits)  # type: ignore[arg-type]
        return {"Authorization": f"Bearer {made.secret}"}


@pytest.fixture
def place(store: Store) -> Iterator[Place]:
    boss, now = operator(make_example(store).organization), [NOW]
    add_person(store, boss.organization, JANE)
    with serving(store, now=lambda: now[0]) as http:
        yield Place(store, http, boss, now)


def test_json_is_the_value_with_an_absolute_link(place: Place):
    answer = place.http.get(f"/reports/1.json?{PERIOD}", headers=place.token())
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/json; charset=utf-8")
    value = from_json(answer.content)
    assert value.link.startswith(f"{place.http.base_url}/reports/1?period=2024-03-01..2024-03-31")
    built = report.build(place.store, place.boss, report.parse_query(1, {"period": "2024-03"}), NOW)
    assert value.summary == built.summary
    assert value.hours is None


def test_the_schema_at_its_address_describes_the_json(place: Place):
    schema = place.http.get("/docs/schema/report.json").json()
    for query in ("period=2024-03&compare=previous", "period=2024-03&survey=2", "period=1999"):
        answer = place.http.get(f"/reports/1.json?{query}", headers=place.token())
        assert answer.links["describedby"]["url"] == "/docs/schema/report.json"
        jsonschema.validate(answer.json(), schema, cls=jsonschema.Draft202012Validator)
        unknown = {**answer.json(), "revision": "four"}
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate(unknown, schema, cls=jsonschema.Draft202012Validator)


def test_each_table_is_csv_and_all_are_in_a_zip_file(place: Place):
    headers = place.token()
    whole = place.http.get(f"/reports/1.zip?{PERIOD}", headers=headers)
    with zipfile.ZipFile(io.BytesIO(whole.content)) as archive:
        assert archive.namelist() == [f"{name}.csv" for name in TABLE_NAMES]
        for name in TABLE_NAMES:
            one = place.http.get(f"/reports/1/{name}.csv?{PERIOD}", headers=headers)
            assert one.headers["content-type"] == "text/csv; header=present; charset=utf-8"
            assert one.content == archive.read(f"{name}.csv")
    assert (
        place.http.get(f"/reports/1.csv?{PERIOD}", headers=headers).content
        == place.http.get(f"/reports/1/trend.csv?{PERIOD}", headers=headers).content
    )
    assert "start;" in place.http.get(f"/reports/1.csv?{PERIOD}&csvSeparator=;", headers=headers).text


def test_the_table_of_hours_has_every_hour_and_a_column_for_each_button(place: Place):
    answer = place.http.get("/reports/1/hours.csv?period=2023&survey=1", headers=place.token())
    rows = list(csv.DictReader(io.StringIO(answer.text, newline="")))
    assert len(rows) == 365 * 24
    year = place.http.get("/reports/1/hours.csv?period=2024&survey=1", headers=place.token())
    rows = list(csv.DictReader(io.StringIO(year.text, newline="")))
    counts = [int(row[f"button{button}"]) for row in rows for button in range(4)]
    assert sum(counts) == sum(int(row["answers"]) for row in rows) > 0


def test_a_file_has_a_name_from_node_and_period(place: Place):
    manage.rename_node(place.store, place.boss, HELSINKI, 'Töölö "/\\ x', now=NOW)
    answer = place.http.get(f"/reports/{HELSINKI}/trend.csv?{PERIOD}", headers=place.token())
    assert answer.headers["content-disposition"] == (
        'attachment; filename="Toolo-x-2024-03-01-2024-03-31-trend.csv";'
        " filename*=UTF-8''T%C3%B6%C3%B6l%C3%B6-x-2024-03-01-2024-03-31-trend.csv"
    )
    shown = place.http.get("/reports/1.json?period=2024-03-04", headers=place.token())
    assert shown.headers["content-disposition"].startswith('inline; filename="Acme-2024-03-04.json"')


@pytest.mark.parametrize("extension", EXTENSIONS)
def test_who_gets_a_file(place: Place, extension: str):
    address = f"/reports/1.{extension}?{PERIOD}"
    for headers in ({}, {"Authorization": "Bearer nothing"}, {"Authorization": "Basic eDp5"}):
        refused = place.http.get(address, headers=headers)
        assert (refused.status_code, refused.json()["code"]) == (401, "report-credential-refused")
        assert refused.headers["www-authenticate"] == 'Bearer realm="Hymio reports"'
    browser = Browser(place.http)
    assert "Sign in" in browser.get(address).text
    browser.sign_in(JANE)
    assert browser.get(address).status_code == 200
    assert place.http.get(address, headers=place.token()).status_code == 200
    below = place.token(node=NEW_YORK)
    outside, unknown = (place.http.get(f"/reports/{node}.{extension}", headers=below) for node in (1, 99))
    assert outside.status_code == unknown.status_code == 404
    assert outside.text.replace("1", "99") == unknown.text
    no_buttons = place.token(kinds=EVERY_KIND - {DataKind.BUTTON_FEEDBACKS})
    assert place.http.get(address, headers=no_buttons).status_code == 403


def test_a_token_without_raw_results_gets_no_texts(place: Place):
    assert from_json(place.http.get(f"/reports/1.json?{PERIOD}", headers=place.token()).content).texts is not None
    manage.set_raw_results(place.store, place.boss, enabled=False, now=NOW)
    assert from_json(place.http.get(f"/reports/1.json?{PERIOD}", headers=place.token()).content).texts is None


@pytest.mark.parametrize(
    ("address", "status", "code"),
    [
        ("/reports/x.json", 404, "unknown-address"),
        ("/reports/1.exe", 404, "unknown-report-file"),
        ("/reports/1/nothing.csv", 404, "unknown-report-table"),
        ("/reports/1/trend.exe", 404, "unknown-address"),
        ("/reports/99999999999999999999.json", 404, "unknown-address"),
        ("/reports/1.json?period=0000", 400, "unknown-period"),
        ("/reports/1.json?period=2024-03-04..2024-03-01", 400, "period-ends-first"),
        ("/reports/1.csv?csvSeparator=ab", 400, "bad-parameter"),
    ],
)
def test_bad_input_is_refused(place: Place, address: str, status: int, code: str):
    answer = place.http.get(address, headers=place.token())
    assert (answer.status_code, answer.json()["code"]) == (status, code)


@pytest.mark.parametrize("extension", ["pdf", "xlsx"])
def test_files_for_people_have_the_texts_of_the_set_up_in_their_language(place: Place, extension: str):
    layout, content = place.store.layout(place.boss.organization), place.store.content(place.boss.organization)
    survey = layout.surveys[FOUND]
    followup = content.followups(survey)[0]
    texts = {"question": "Miten meni?", "followup": "Mikä ilahdutti?", "option": "Palvelu"}
    change = place.store, place.boss
    manage.localize_question(*change, survey.question, "fi-FI", texts["question"], now=NOW)
    manage.localize_followup_question(*change, followup.id, "fi-FI", texts["followup"], now=NOW)
    manage.localize_followup_option(*change, followup.options[0].id, "fi-FI", texts["option"], now=NOW)
    words = f"{PERIOD}&survey={FOUND}"
    for language in ("fi", "sv"):  # the set-up has no Swedish
        headers = {**place.token(), "Accept-Language": language}
        body = place.http.get(f"/reports/1.{extension}?{words}", headers=headers).content
        shown = _words_of_pdf(body) if extension == "pdf" else _words_of_workbook(body)
        assert [text in shown for text in texts.values()] == [language == "fi"] * 3, shown
        value = from_json(place.http.get(f"/reports/1.json?{words}", headers=headers).content)
        assert value.survey is not None
        assert value.survey.question == content.question(survey).wording.text, "files for programs are in one language"


def _words_of_pdf(body: bytes) -> str:
    pages = PdfReader(io.BytesIO(body)).pages
    return " ".join(page.extract_text() for page in pages)


def _words_of_workbook(body: bytes) -> str:
    sheets = openpyxl.load_workbook(io.BytesIO(body)).worksheets
    return " ".join(str(cell.value) for sheet in sheets for row in sheet.iter_rows() for cell in row)


def test_a_file_is_closed_though_nobody_reads_it() -> None:
    unread, read = io.BytesIO(b"report"), io.BytesIO(b"report")
    chunks = chunks_of(unread)
    del chunks
    assert (unread.closed, b"".join(chunks_of(read)), read.closed) == (True, b"report", True)
