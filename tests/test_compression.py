"""Compression: which answers have it, in which coding, with which entity tags, whole and streamed."""

from __future__ import annotations

import gzip
import io
import json
from collections.abc import Iterator
from contextlib import closing

import httpx
import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from hymio.serving import streams
from hymio.serving.codings import Coding, chosen
from hymio.web.page import static_address
from tests.example import Example, make_example
from tests.served import serving


def decoded(coding: str, body: bytes) -> bytes:
    """The content of a body in a coding."""
    if coding == "gzip":
        return gzip.decompress(body)
    if coding == "zstd":
        with zstandard.ZstdDecompressor().stream_reader(io.BytesIO(body)) as reader:
            return reader.read()
    return body


def raw(http: httpx.Client, method: str, address: str, **headers: str) -> tuple[httpx.Response, bytes]:
    """An answer and its body as it was sent."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    with http.stream(method, address, headers={"Accept-Encoding": "identity", **named}) as answer:
        return answer, b"".join(answer.iter_raw())


@pytest.mark.parametrize(
    ("header", "coding"),
    [
        ("", None), ("identity", None), ("gzip", "gzip"), ("gzip, deflate, br, zstd", "zstd"), ("zstd", "zstd"),
        ("*", "gzip"), ("GZIP", "gzip"),
        ("gzip;q=0", None), ("gzip;q=1, zstd;q=0.5", "gzip"), ("gzip;q=0.5, zstd;q=0.8", "zstd"), ("br", None),
        ("*;q=0", None), ("gzip;q=0.2, identity;q=0.9", None), ("gzip;q=much", None), (" , ;q=", None),
    ],
)  # fmt: skip
def test_the_coding_is_one_that_is_asked_for(header: str, coding: str | None) -> None:
    assert chosen(header) == (None if coding is None else Coding(coding))


@given(st.text())
def test_any_header_is_read(header: str) -> None:
    chosen(header)


@pytest.mark.parametrize("coding", list(Coding))
@given(parts=st.lists(st.binary(max_size=200)))
def test_what_is_compressed_in_chunks_is_the_same_text(coding: Coding, parts: list[bytes]) -> None:
    compressor = coding.compressor()
    body = b"".join([*map(compressor.compress, parts), compressor.flush()])
    assert decoded(coding.value, body) == b"".join(parts) == decoded(coding.value, coding.whole(b"".join(parts)))
    assert coding.whole(b"".join(parts)) == coding.whole(b"".join(parts))


@pytest.fixture(scope="module")
def served(shared_database_url: str) -> Iterator[tuple[httpx.Client, Example]]:
    from hymio.store import open_store

    with closing(open_store(shared_database_url)) as store:
        made = make_example(store, "Compression")
        with serving(store) as http:
            http.auth = httpx.BasicAuth(made.credentials.client_id, made.credentials.token)
            yield http, made


ADDRESSES = ("/openapi.json", "/docs", "/v1/folders?surveys=true", static_address("pages.css"))


@pytest.mark.parametrize("coding", ["gzip", "zstd"])
@pytest.mark.parametrize("address", ADDRESSES)
def test_a_coded_body_is_a_representation_of_its_own(
    served: tuple[httpx.Client, Example], address: str, coding: str
) -> None:
    http, _ = served
    plain, text = raw(http, "GET", address)
    answer, body = raw(http, "GET", address, Accept_Encoding=coding)
    assert plain.status_code == answer.status_code == 200
    assert (answer.headers["content-encoding"], decoded(coding, body)) == (coding, text)
    assert len(body) == int(answer.headers["content-length"]) < len(text)
    assert "content-encoding" not in plain.headers
    assert "Accept-Encoding" in plain.headers["vary"]
    assert "Accept-Encoding" in answer.headers["vary"]
    head, none = raw(http, "HEAD", address, Accept_Encoding=coding)
    assert none == b""
    for name in ("etag", "content-length", "content-encoding", "vary", "content-type"):
        assert head.headers.get(name) == answer.headers.get(name)
    tag = answer.headers.get("etag", "")
    if not tag:
        return
    assert tag == f'{plain.headers["etag"][:-1]}-{coding}"'
    for known, shown in ((tag, tag), (plain.headers["etag"], plain.headers["etag"]), (f'"x", {tag}', tag)):
        again, nothing = raw(http, "GET", address, Accept_Encoding=coding, If_None_Match=known)
        assert (again.status_code, nothing, again.headers["etag"]) == (304, b"", shown)
        assert "content-encoding" not in again.headers
        assert "Accept-Encoding" in again.headers["vary"]


def test_short_and_compressed_answers_stay_as_they_are(served: tuple[httpx.Client, Example]) -> None:
    http, _ = served
    for address in ("/health", "/v1/surveys/1", "/v1/folders/99999"):
        answer, _ = raw(http, "GET", address, Accept_Encoding="gzip")
        assert "content-encoding" not in answer.headers


def test_a_stream_is_compressed_chunk_by_chunk(
    served: tuple[httpx.Client, Example], monkeypatch: pytest.MonkeyPatch
) -> None:
    http, _ = served
    address = "/v1/surveys/1/rawresults"
    _, whole = raw(http, "GET", address)
    monkeypatch.setattr(streams, "ROWS_PER_CHUNK", 2)
    plain, text = raw(http, "GET", address)
    assert text == whole
    for coding in ("gzip", "zstd"):
        answer, body = raw(http, "GET", address, Accept_Encoding=coding)
        assert "content-length" not in answer.headers
        assert answer.headers["content-encoding"] == coding
        assert decoded(coding, body) == text
        again, _ = raw(http, "GET", address, Accept_Encoding=coding, If_None_Match=answer.headers["etag"])
        assert again.status_code == 304
    assert json.loads(text)["meta"]["total"] == 6
    assert plain.headers["etag"] + "!" not in answer.headers["etag"]


@pytest.mark.parametrize(
    ("headers", "is_compressed"),
    [
        ({}, True),
        ({"Sec-Fetch-Site": "same-origin", "Cookie": "a=b"}, True),
        ({"Sec-Fetch-Site": "none", "Cookie": "a=b"}, True),
        ({"Sec-Fetch-Site": "cross-site", "Cookie": "a=b"}, False),
        ({"Sec-Fetch-Site": "same-site"}, False),  # with the header Authorization
        ({"Cookie": "a=b"}, False),
    ],
)
def test_no_other_site_learns_the_length_of_a_compressed_answer(
    served: tuple[httpx.Client, Example], headers: dict[str, str], is_compressed: bool
) -> None:
    http, _ = served
    answer, _ = raw(http, "GET", "/docs", Accept_Encoding="gzip", **headers)
    assert ("content-encoding" in answer.headers) == is_compressed


@pytest.mark.parametrize(
    "address",
    ["/v1/folders", "/v1/surveys/1/results", "/v1/surveys/1/rawresults", "/v1/none", "/health", "/openapi.json"],
)
def test_json_ends_with_the_end_of_a_line(served: tuple[httpx.Client, Example], address: str) -> None:
    http, _ = served
    body = http.get(address).content
    assert body.endswith((b"}\n", b"]\n"))
    assert not body.endswith(b"\n\n")
