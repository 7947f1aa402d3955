"""CSV with a byte order mark: by a parameter, by a setting of the token, of listings and of reports."""

from __future__ import annotations

import httpx
import pytest

from hymio import manage
from hymio.access import operator
from hymio.store import Store
from tests.example import NOW, make_example
from tests.served import serving

BOM = b"\xef\xbb\xbf"
ADDRESSES = (
    "/v2/surveys.csv", "/v2/results/button-feedbacks.csv?period=2024", "/v2/alerts.csv",
    "/reports/1/trend.csv?period=2024",
)  # fmt: skip


def get(http: httpx.Client, address: str, secret: str, more: str = "") -> httpx.Response:
    joint = "&" if "?" in address else "?"
    headers = {"X-HON-API-Token": secret, "Authorization": f"Bearer {secret}"}
    return http.get(f"{address}{joint}{more}", headers=headers)


def test_csv_begins_with_a_mark_where_it_is_wanted(store: Store) -> None:
    boss = operator(make_example(store).organization)
    plain = manage.create_token(store, boss, "BI", now=NOW)
    marked = manage.create_token(store, boss, "Excel", csv_bom=True, now=NOW)
    with serving(store) as http:
        for address in ADDRESSES:
            without = get(http, address, plain.secret)
            assert without.status_code == 200, without.text
            assert not without.content.startswith(BOM)
            assert get(http, address, marked.secret).content == BOM + without.content
            asked = get(http, address, plain.secret, "csvBom=true")
            assert asked.content == BOM + without.content
            assert asked.headers["etag"] != without.headers["etag"]
            assert get(http, address, marked.secret, "csvBom=false").content == without.content
            assert get(http, address, plain.secret, "csvBom=perhaps").status_code == 400
        assert not get(http, "/v2/surveys.json", marked.secret).content.startswith(BOM)


@pytest.mark.parametrize("csv_bom", [None, False])
def test_a_token_keeps_its_setting_unless_it_is_changed(store: Store, csv_bom: bool | None) -> None:
    boss = operator(make_example(store).organization)
    made = manage.create_token(store, boss, "Excel", csv_bom=True, now=NOW)
    [stored] = manage.tokens(store, boss)
    manage.edit_token(store, boss, made.id, "Other", None, stored.kinds, None, csv_bom=csv_bom, now=NOW)
    assert manage.tokens(store, boss)[0].csv_bom == (csv_bom is None)
