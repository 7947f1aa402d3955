"""Hostile requests for every way in, made from a seed: what is valid, with wrong values in it and bytes exchanged."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from random import Random
from typing import Any, Final
from urllib.parse import quote_from_bytes, unquote

import cbor2

from hymio.feedback import HourReport
from hymio.gateway.sms_text import encode
from hymio.web.cookies import form_token
from tests.recorded_requests import PAGED, RESULTS, V1_PATHS, WHOLE

Dice = Random


@dataclass(frozen=True, slots=True)
class Keys:
    """The credentials of the organization that is asked, and an instant at which its smileys may press (ms UTC)."""

    client: tuple[str, str]
    token: str
    upload_tokens: tuple[str, ...]
    sms_secret: str
    serial: str
    sms_key: bytes
    now: int
    code: str
    session: str
    """The cookie of a signed-in ADMIN."""


@dataclass(slots=True)
class Call:
    """A request as an ASGI server hands it on; `goes` means that the client goes away before the body is complete."""

    method: str
    path: str
    query: bytes = b""
    headers: list[tuple[bytes, bytes]] = field(default_factory=list)
    pieces: list[bytes] = field(default_factory=lambda: [b""])
    goes: bool = False

    @property
    def scope(self) -> dict[str, Any]:
        """The scope of the request."""
        return {
            "type": "http",
            "asgi": {"version": "3.0", "spec_version": "2.3"},
            "http_version": "1.1",
            "server": ("127.0.0.1", 80),
            "client": ("203.0.113.7", 4711),
            "scheme": "http",
            "root_path": "",
            "method": self.method,
            "path": unquote(self.path),
            "raw_path": self.path.encode("ascii"),
            "query_string": self.query,
            "headers": self.headers,
            "state": {},
        }


# --- values -----------------------------------------------------------------------------------------------------------

NUMBERS: Final = (
    0, 1, -1, 2, 7, 5.0, 0.5, -0.0, 1e999, -1e999, 1e308, float("nan"), 1 << 15, 1 << 31, 1 << 32, 1 << 53,
    (1 << 53) - 1,
    -(1 << 53), 1 << 63, -(1 << 63) - 1, 1 << 64, 10**400, 946_684_799_999, 4_102_444_800_000, True, False,
)  # fmt: skip
TEXTS: Final = (
    "", " ", "\0", "\ud800", "\udfff", "a\ud800b", "\ud83d", "\U0001f600", "é", "\u202eabc", "٣", "0", "-1", "1e5",
    "0x10",
    "NaN", "null", "true", "..", "../../etc/passwd", "%s%n", "'; DROP TABLE feedback; --", "<script>", "x" * 70,
    "x" * 5000,
    "9" * 5000, "0" * 5000 + "1", "\r\nX: y", "2024-02-30", "2024-02-29T25:61:61Z", "0000-01-01", "9999-12-31",
    "2024-03-31T02:30",
    "2024-03-04T00:00:00.000+99:99", "-9999999", "fi;q=nan, en;q=1e999", "*", '"', ",", ";", "{", "[", "\N{BOM}",
    "0b7e1c7e-9f0b-4f0e-8f43-4be1d3f8e6a1", "00000000-0000-4000-8000-000000000000", "physical", "female", "a@b",
)  # fmt: skip


def a_value(dice: Dice, depth: int = 3) -> Any:
    """Any value that JSON or CBOR can hold, now and then deeply nested."""
    kind = dice.randrange(10 if depth else 7)
    if kind < 3:
        return dice.choice(NUMBERS)
    if kind < 6:
        return dice.choice(TEXTS)
    if kind == 6:
        return None
    if kind == 7:
        return [a_value(dice, depth - 1) for _ in range(dice.choice((0, 1, 2, 5)))]
    if kind == 8:
        return {dice.choice(TEXTS): a_value(dice, depth - 1) for _ in range(dice.choice((0, 1, 3)))}
    nested: Any = 1
    for _ in range(dice.choice((2, 60, 70, 200))):
        nested = [nested]
    return nested


def spoiled(dice: Dice, fields: Mapping[str, Any], chance: float) -> dict[str, Any]:
    """Fields, each with a chance of another value or of being left out, and sometimes one more."""
    made = {}
    for name, value in fields.items():
        if dice.random() >= chance:
            made[name] = value
        elif dice.random() < 0.8:
            made[name] = a_value(dice)
    if dice.random() < chance:
        made[dice.choice(TEXTS)] = a_value(dice)
    return made


def damaged(dice: Dice, body: bytes, chance: float) -> bytes:
    """The bytes, with a chance that some of them are left out, repeated or exchanged."""
    while dice.random() < chance:
        start = dice.randrange(len(body) + 1)
        end = min(len(body), start + dice.choice((0, 1, 1, 2, 8, 100)))
        middle = dice.choice(
            (
                b"",
                body[start:end] * 2,
                dice.randbytes(dice.choice((1, 2, 9))),
                b"\xff",
                b"\0",
                b"\xc1" * 50,
                b"[" * 3000,
            )
        )
        body = body[:start] + middle + body[end:]
    return body


def in_pieces(dice: Dice, body: bytes) -> list[bytes]:
    """The body as it may arrive."""
    if dice.random() < 0.8 or len(body) < 2:
        return [body]
    cut = dice.randrange(len(body))
    return [body[:cut], b"", body[cut:]]


# --- headers and queries ----------------------------------------------------------------------------------------------


def header_value(dice: Dice) -> bytes:
    """A value as HTTP's grammar lets it pass."""
    value = dice.choice(TEXTS).encode("utf-8", "surrogatepass") if dice.random() < 0.7 else dice.randbytes(5)
    return bytes(byte for byte in value if byte >= 32 and byte != 127)


NAMES: Final = (
    b"accept-language", b"if-none-match", b"content-type", b"content-encoding", b"host", b"accept", b"x-forwarded-for",
    b"x-forwarded-proto", b"authorization", b"x-hon-api-token", b"x-hon-client-id", b"x-hymio-secret", b"x-kannel-from",
    b"content-length", b"transfer-encoding", b"expect", b"connection", b"range", b"cookie", b"x",
)  # fmt: skip


def more_headers(dice: Dice) -> list[tuple[bytes, bytes]]:
    """Some headers with any value."""
    return [(dice.choice(NAMES), header_value(dice)) for _ in range(dice.choice((0, 0, 0, 1, 1, 2, 4)))]


def a_length(dice: Dice, size: int) -> list[tuple[bytes, bytes]]:
    """A Content-Length, mostly right and sometimes one that no server can take for it."""
    right = b"%d" % size
    wrong = (b"0" * 5000 + right, b"9" * 5000, b"99999999", b"-1", b"+5", b"\xb2", b"", b"0x10", b" 5")
    if dice.random() < 0.15:
        return [(b"transfer-encoding", b"chunked")]
    return [(b"content-length", dice.choice(wrong) if dice.random() < 0.15 else right)]


def quoted(dice: Dice, text: str) -> str:
    """A text in a path or query, percent-encoded or, where it is ASCII, as it is."""
    raw = text.encode("utf-8", "surrogatepass")
    if dice.random() < 0.3 and raw.isalnum():
        return text
    return quote_from_bytes(damaged(dice, raw, 0.1))


def a_query(dice: Dice, names: Mapping[str, tuple[str, ...]]) -> bytes:
    """Parameters among `names`, with values that they take and others."""
    pairs = []
    for _ in range(dice.choice((0, 1, 1, 2, 3, 6))):
        name = dice.choice(tuple(names))
        value = dice.choice(names[name]) if dice.random() < 0.6 else dice.choice(TEXTS)
        pairs.append(f"{quoted(dice, name)}={quoted(dice, value)}")
    query = dice.choice("&&&&;").join(pairs).encode()
    return bytes(byte for byte in damaged(dice, query, 0.05) if 32 < byte < 127)


# --- ways in ----------------------------------------------------------------------------------------------------------


def an_upload(dice: Dice, keys: Keys) -> dict[str, Any]:
    """The fields of an upload."""
    chance = dice.choice((0.0, 0.05, 0.3))
    presses = [a_press(dice, keys, chance) for _ in range(dice.choice((0, 1, 2, 5)))]
    valid = {
        "epoch": dice.randrange(5), "presses": presses, "clock": keys.now, "reportedThrough": keys.now,
        "lost": [[40, 45], [60, 60]], "battery": 0.5, "signal": -71, "firmware": "2.4.1",
    }  # fmt: skip
    return spoiled(dice, valid, chance)


def a_press(dice: Dice, keys: Keys, chance: float) -> Any:
    """A press with all that may come with it."""
    if dice.random() < chance / 2:
        return a_value(dice)
    identity = {"sequence": dice.randrange(1, 90)}
    if dice.random() < 0.3:
        half = f"{dice.getrandbits(20):08x}"
        identity = {"id": f"{half}-9f0b-4f0e-8f43-4be1d3f8e6a1", "survey": 1, "visitor": "a"}  # type: ignore[dict-item]
    phases: list[dict[str, Any]] = [
        {"followup": spoiled(dice, {"question": 1, "option": 2}, chance), "ui": "digital"},
        {"text": spoiled(dice, {"text": "Cold soup", "relevance": dice.choice((0, 0.5, 1)), "spam": False}, chance)},
        {"contact": spoiled(dice, {"name": "A", "email": "a@b", "phone": "1"}, chance), "position": 3},
    ]
    valid = {
        **identity, "at": keys.now - dice.randrange(10**8), "button": dice.randrange(5), "ui": "physical",
        "phases": [spoiled(dice, each, chance) for each in phases], "metadata": {"till": "3"},
        "demographics": {"gender": "female", "age": 30},
    }  # fmt: skip
    return spoiled(dice, valid if dice.random() < 0.5 else {**identity, "at": valid["at"], "button": 1}, chance)


def json_upload(dice: Dice, keys: Keys) -> Call:
    """An upload as JSON."""
    said: Any = an_upload(dice, keys) if dice.random() < 0.95 else a_value(dice)
    text = json.dumps(said, ensure_ascii=dice.random() < 0.7)
    return _upload(dice, keys, damaged(dice, text.encode("utf-8", "surrogatepass"), 0.2), b"application/json")


def cbor_upload(dice: Dice, keys: Keys) -> Call:
    """An upload as CBOR."""
    body = cbor2.dumps(_for_cbor(dice, an_upload(dice, keys)))
    return _upload(dice, keys, damaged(dice, body, 0.4), b"application/cbor")


def _for_cbor(dice: Dice, value: Any) -> Any:
    """A value that the encoder takes, some of it as CBOR alone has it."""
    if isinstance(value, dict):
        return {_for_cbor(dice, name): _for_cbor(dice, item) for name, item in value.items()}
    if isinstance(value, list):
        return [_for_cbor(dice, item) for item in value] if len(repr(value)) < 1000 else []
    if isinstance(value, str):
        value = value.encode("utf-8", "replace").decode()
    if dice.random() < 0.02:
        return cbor2.CBORTag(dice.choice((0, 1, 2, 4, 30, 35, 37, 258, 55799)), value)
    return dice.randbytes(16) if dice.random() < 0.02 else value


def _upload(dice: Dice, keys: Keys, body: bytes, media_type: bytes) -> Call:
    if dice.random() < 0.01:
        body += b" " * 70_000
    headers = [
        (b"authorization", b"Bearer " + dice.choice(keys.upload_tokens).encode()),
        (b"content-type", media_type),
        *a_length(dice, len(body)),
    ]
    method = "POST" if dice.random() < 0.98 else dice.choice(("GET", "PUT", "HEAD", "OPTIONS"))
    pieces, goes = in_pieces(dice, body), dice.random() < 0.01
    return Call(method, "/terminal/v1/uploads", b"", more_headers(dice) + headers, pieces, goes)


def text_message(dice: Dice, keys: Keys) -> Call:
    """A text message, by one of the ways of gateways."""
    report = HourReport(dice.randrange(3), dice.randrange(1, 50), keys.now // 3_600_000 * 3_600_000, (1, 0, 2, 3), 0)
    [text] = encode(keys.serial, [report], keys.sms_key, offset=0, reported_through=keys.now, battery=0.5)
    message = (
        damaged(dice, text.encode(), 0.4) if dice.random() < 0.8 else dice.choice(TEXTS).encode("utf-8", "replace")
    )
    fields = {
        "from": "+358401234567",
        dice.choice(("text", "Body", "message")): message.decode("utf-8", "surrogateescape"),
    }
    secret = keys.sms_secret if dice.random() < 0.9 else dice.choice(TEXTS)
    headers, query = [(b"x-hymio-secret", bytes(byte for byte in secret.encode("utf-8", "replace") if byte > 31))], b""
    kind = dice.randrange(4)
    if kind == 0:
        text = json.dumps(spoiled(dice, fields, 0.1) if dice.random() < 0.9 else a_value(dice))
        body, media_type = text.encode(), b"application/json"
    elif kind == 1:
        pairs = [
            f"{quoted(dice, name)}={quoted(dice, value.encode('utf-8', 'replace').decode())}"
            for name, value in fields.items()
        ]
        body, media_type = "&".join(pairs).encode(), b"application/x-www-form-urlencoded"
    else:
        body, media_type = message, b"text/plain"
        if kind == 3:
            headers, query = [], b"secret=" + keys.sms_secret.encode()
    body = damaged(dice, body, 0.1)
    headers += [(b"content-type", media_type), *a_length(dice, len(body))]
    method = "POST" if dice.random() < 0.97 else dice.choice(("GET", "PUT"))
    return Call(method, "/sms", query, more_headers(dice) + headers, in_pieces(dice, body))


V1_NAMES: Final = {
    "surveys": ("true", "false"), "state": ("active", "ended", "starting"), "offset": ("0", "1", "5"), "limit": ("1",
    "100"),
    "date_start": ("2024-03-04", "2024-03-04T00:00:00.000+02:00"), "date_end": ("2024-03-06", "9999-12-31"),
    "truncate": ("hour", "day", "week", "month", "year"),
}  # fmt: skip


def v1_request(dice: Dice, keys: Keys) -> Call:
    """A request of API v1."""
    parts = dice.choice(V1_PATHS).split("/")
    path = "/".join(part if dice.random() < 0.95 else quoted(dice, dice.choice(TEXTS)) for part in parts)
    pair = ":".join(keys.client) if dice.random() < 0.95 else dice.choice(TEXTS)
    basic = base64.b64encode(pair.encode("utf-8", "surrogatepass"))
    return _get(dice, path, a_query(dice, V1_NAMES), [(b"authorization", b"Basic " + damaged(dice, basic, 0.01))])


V2_NAMES: Final = {
    "csvSeparator": (",", ";", "\t"), "surveyId": ("1", "99"), "experiencePointId": ("1", "3"),
    "rootExperiencePointId": ("1",),
    "questionId": ("1",), "followupQuestionId": ("1",), "followupOptionId": ("1",), "type": ("GROUP",
    "EXPERIENCE_POINT"),
    "period": ("2024", "2024-03", "2024-q1", "today", "last-week"), "startDate": ("2024-01-01",),
    "endDate": ("2024-12-31",),
    "includeMisuse": ("true", "false"), "includeSpam": ("true", "false"), "offset": ("0", "2"), "limit": ("0", "2",
    "10000"),
    "order": ("asc", "desc"), "cursor": ("AAAA", "eyJ9"), "auth": ("wrong",),
}  # fmt: skip


def v2_request(dice: Dice, keys: Keys) -> Call:
    """A request of API v2."""
    name = dice.choice((*RESULTS, *PAGED, *WHOLE, "token/introspect"))
    ending = dice.choice((".json", ".csv")) if dice.random() < 0.95 else quoted(dice, dice.choice(TEXTS))
    if dice.random() < 0.05:
        name = quoted(dice, dice.choice(TEXTS))
    token = keys.token if dice.random() < 0.95 else dice.choice(TEXTS)
    headers = [(b"x-hon-api-token", bytes(byte for byte in token.encode("utf-8", "replace") if byte > 31))]
    return _get(dice, f"/v2/{name}{'' if name == 'token/introspect' else ending}", a_query(dice, V2_NAMES), headers)


PAGES: Final = (
    "/",
    "/health",
    "/ready",
    "/docs",
    "/docs/api-v1",
    "/docs/errors",
    "/docs/schema/upload.json",
    "/openapi.json",
)


def a_page(dice: Dice, _keys: Keys) -> Call:
    """A request of a page that needs no credential, or of nothing."""
    path = dice.choice(PAGES) if dice.random() < 0.6 else "/" + quoted(dice, dice.choice(TEXTS))
    if dice.random() < 0.2:
        path += "/" + quoted(dice, dice.choice(TEXTS))
    return _get(dice, path, a_query(dice, V1_NAMES), [])


def _get(dice: Dice, path: str, query: bytes, headers: list[tuple[bytes, bytes]]) -> Call:
    method = "GET" if dice.random() < 0.9 else dice.choice(("HEAD", "OPTIONS", "POST", "PUT", "DELETE", "PATCH"))
    body = dice.randbytes(10) if method in ("POST", "PUT", "PATCH") else b""
    headers = more_headers(dice) + headers + (a_length(dice, len(body)) if body else [])
    return Call(method, path, query, headers, [body])


def web_message(dice: Dice, keys: Keys) -> Call:
    """What the script of a published smiley sends."""
    chance = dice.choice((0.0, 0.05, 0.3))
    half, chosen = f"{dice.getrandbits(20):08x}", {"question": 1, "option": 1, "ui": "digital"}
    valid = {
        "smiley": keys.code, "id": f"{half}-9f0b-4f0e-8f43-4be1d3f8e6a1", "survey": 3, "button": dice.randrange(6),
        "at": keys.now - dice.randrange(10**8), "clock": keys.now, "dwell": dice.choice((10, 900)), "ui": "digital",
        "lang": "fi", "metadata": {"refId": "1"}, "mail": dice.choice((None, "one")), "website": None, "work": "7",
        "followup": spoiled(dice, dice.choice((chosen, {"question": 1, "ui": "skip"})), chance),
        "text": spoiled(dice, dice.choice(({"text": "Cold soup", "ui": "digital"}, {"ui": "exit"})), chance),
        "contact": spoiled(dice, {"name": "A", "email": "a@b", "phone": "1"}, chance),
    }  # fmt: skip
    few = {name: valid[name] for name in ("smiley", "id", "survey", "button", dice.choice(list(valid)))}
    text = json.dumps(spoiled(dice, dice.choice((valid, few)), chance), ensure_ascii=dice.random() < 0.7)
    body = damaged(dice, text.encode("utf-8", "surrogatepass"), 0.2)
    headers = [(b"content-type", b"text/plain"), (b"origin", b"https://shop.example"), *a_length(dice, len(body))]
    method = "POST" if dice.random() < 0.95 else dice.choice(("GET", "PUT", "HEAD", "OPTIONS"))
    return Call(method, "/w/press", b"", more_headers(dice) + headers, in_pieces(dice, body), dice.random() < 0.01)


FORM: Final = {
    "step": ("press", "followup", "text", "contact", "thanks"), "id": ("0b7e1c7e-9f0b-4f0e-8f43-4be1d3f8e6a1",),
    "button": ("1", "99"), "b": ("1", "4"), "survey": ("3",), "stamp": ("1.a.b",), "option": ("1",), "text": ("x",),
    "name": ("A",), "email": ("a@b",), "skip": ("1",), "lang": ("ar",), "u": ("qr",), "m": ("t",), "d-refId": ("1",),
}  # fmt: skip


def web_form(dice: Dice, keys: Keys) -> Call:
    """The page of a published smiley, or its script, or a form of the page."""
    path = f"/w/{keys.code}" if dice.random() < 0.8 else "/w/" + quoted(dice, dice.choice(TEXTS))
    if dice.random() < 0.4:
        return _get(dice, path + dice.choice(("", "/w.js")), a_query(dice, FORM), [])
    body = damaged(dice, a_query(dice, FORM), 0.1)
    headers = [(b"content-type", b"application/x-www-form-urlencoded"), *a_length(dice, len(body))]
    return Call("POST", path, a_query(dice, FORM), more_headers(dice) + headers, in_pieces(dice, body))


SMILEYS: Final = (
    "/smileys", "/smileys/4", "/smileys/4/code.svg", "/smileys/4/code.png", "/smileys/99", "/smileys/1",
    "/smileys/4/flow", "/smileys/4/settings",
)  # fmt: skip
SMILEY_FORM: Final = {
    "smiley": ("4", "99"), "name": ("Shop",), "point": ("6", "2"), "origins": ("https://shop.example",),
    "interval": ("7",), "presses": ("tests", "count"), "text": ("1",), "contact": ("1",),
    "metadata": ("refId, table",),
    "default": ("fi",),
    "consent-fi": ("Vain vastausta varten.",), "field": ("*|ID|*",), "locale": ("en-US", "fi"), "download": ("1",),
    "paper": ("a9",), "done": ("flow",),
}  # fmt: skip


def smiley_page(dice: Dice, keys: Keys) -> Call:
    """A page on which an ADMIN publishes smileys, a file of one, or a form, with the right token or none."""
    path = dice.choice(SMILEYS) if dice.random() < 0.9 else "/smileys/" + quoted(dice, dice.choice(TEXTS))
    cookies = [(b"cookie", f"hymio-session={keys.session}".encode())]
    if dice.random() < 0.5:
        return _get(dice, path, a_query(dice, SMILEY_FORM), cookies)
    fields = b"token=" + form_token(keys.session).encode() + b"&" if dice.random() < 0.8 else b""
    body = fields + damaged(dice, a_query(dice, SMILEY_FORM), 0.1)
    headers = [(b"content-type", b"application/x-www-form-urlencoded"), *cookies, *a_length(dice, len(body))]
    return Call("POST", path, b"", more_headers(dice) + headers, in_pieces(dice, body))


def kiosk_request(dice: Dice, keys: Keys) -> Call:
    """A one-time code, or a file of the kiosk's page, or what it shows."""
    if dice.random() < 0.5:
        path = dice.choice(("/k", "/k/", "/k/app.js", "/k/texts", "/k/shown", "/k/" + quoted(dice, dice.choice(TEXTS))))
        headers = [(b"authorization", b"Bearer " + dice.choice(TEXTS).encode("utf-8", "replace"))]
        return _get(dice, path, b"", headers if dice.random() < 0.5 else [])
    chance = dice.choice((0.0, 0.3))
    text = json.dumps(spoiled(dice, {"code": dice.choice(("7KMR-2QXA-7KMR-2QXA", ""))}, chance))
    body = damaged(dice, text.encode("utf-8", "surrogatepass"), 0.2)
    headers = [(b"content-type", b"application/json"), *a_length(dice, len(body))]
    return Call("POST", "/k/claim", b"", more_headers(dice) + headers, in_pieces(dice, body))


WAYS: Final[dict[str, tuple[Callable[[Dice, Keys], Call], int]]] = {
    "uploads as JSON": (json_upload, 4_000),
    "uploads as CBOR": (cbor_upload, 3_000),
    "text messages": (text_message, 3_000),
    "API v1": (v1_request, 2_500),
    "API v2": (v2_request, 3_000),
    "pages": (a_page, 1_000),
    "web messages": (web_message, 1_000),
    "web forms": (web_form, 500),
    "pages of smileys": (smiley_page, 500),
    "kiosks": (kiosk_request, 500),
}
"""The ways in, and how many requests each gets; bytes on a socket are the rest of 20,000."""

RAW: Final = 1_500


# --- bytes on a socket ------------------------------------------------------------------------------------------------


def raw_request(dice: Dice, keys: Keys) -> bytes:
    """A request as bytes, with a mistake in its grammar or none, ending in `Connection: close` for the most part."""
    # What is wrong with a form of a person is said by a page, not by a problem document.
    call = dice.choice([make for name, (make, _) in WAYS.items() if name != "web forms"])(dice, keys)
    body = b"".join(call.pieces)
    target = call.path.encode() + (b"?" + call.query if call.query else b"")
    headers = [(name, value) for name, value in call.headers if name not in (b"transfer-encoding", b"content-length")]
    headers += dice.choice((
        [(b"content-length", b"%d" % len(body))],
        [(b"content-length", b"%d" % len(body)), (b"transfer-encoding", b"chunked")],
        [(b"content-length", b"%d" % len(body)), (b"content-length", b"7")],
        [(b"transfer-encoding", b"chunked")],
        [(b"content-length", b"0" * 5000 + b"%d" % len(body))],
        [(b"content-length", b"9" * 5000)],
        [],
    ))  # fmt: skip
    line = dice.choice((
        b"%b %b HTTP/1.1", b"%b %b HTTP/1.1", b"%b %b HTTP/1.1", b"%b %b HTTP/1.0", b"%b %b HTTP/9.9",
        b"%b  %b HTTP/1.1",
        b"%b http://x%b HTTP/1.1", b"%b %b",
    )) % (dice.choice((call.method.encode(), b"CONNECT", b"get", b"PRI")), target)  # fmt: skip
    headers.append(dice.choice(((b"connection", b"close"), (b"connection", b"upgrade"), (b"upgrade", b"websocket"))))
    head = b"\r\n".join([line, b"host: x", *(b"%b: %b" % header for header in headers)])
    return damaged(dice, head, 0.3) + b"\r\n\r\n" + body
