"""Texts as real SMS gateways send them: each adapter, its authentication, charsets, and parts of longer texts."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import hmac
import json
import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import quote, urlencode

import httpx
import pytest
import structlog
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hymio import intake, manage
from hymio.access import SmsGateway, operator
from hymio.api import sms_operations
from hymio.errors import BadRequest
from hymio.feedback import HourReport
from hymio.gateway.sms import android, check_sample, twilio, vonage, webhook
from hymio.gateway.sms.addresses import ADAPTERS, path_of
from hymio.gateway.sms.charsets import decoded
from hymio.gateway.sms.parts import part_in_header
from hymio.gateway.sms.request import Adapter, SmsRequest
from hymio.gateway.sms_text import MAX_CHARACTERS, decode, encode
from hymio.serving import attempts
from hymio.store import Store, open_store
from hymio.store.messages import PARTS_WAIT_MS, newest_messages
from tests.served import UNBOUND
from tests.terminals import PLACED, Terminals, client, put_up, serving, stored

HOUR = 3_600_000
NOW = PLACED + 200 * 24 * HOUR
PUBLIC = "https://feedback.example.com/hymio"
SETTINGS = replace(UNBOUND, base_url=PUBLIC, wrong_credentials=0)
KEY = "9sXh2mVtQ4kLwZ7aRb1NcY6d"
UDH = bytes([5, 0, 3, 42, 2, 1]), bytes([5, 0, 3, 42, 2, 2])


@pytest.fixture
def store(database_url: str) -> Iterator[Store]:
    opened = open_store(database_url)
    yield opened
    opened.close()


@pytest.fixture
def acme(store: Store) -> Terminals:
    return put_up(store)


@pytest.fixture
def kannel(store: Store, acme: Terminals) -> str:
    """The secret of Kannel; the gateways that sign have KEY."""
    boss = operator(acme.organization)
    with manage.batch(store, acme.organization, PLACED) as batch:
        for gateway in (SmsGateway.TWILIO, SmsGateway.VONAGE, SmsGateway.ANDROID):
            manage.set_sms_key(batch, boss, gateway, KEY, now=PLACED)
        return manage.new_sms_secret(batch, boss, SmsGateway.KANNEL, now=PLACED)


@pytest.fixture
def http(store: Store, kannel: str) -> Iterator[httpx.Client]:
    with serving(store, NOW, SETTINGS) as url, client() as http:
        http.base_url = httpx.URL(url)
        yield http


def report(acme: Terminals, first: int = 1, counts: tuple[int, ...] = (1, 0, 2), keyword: str = "") -> str:
    key = manage.sms_key(acme.tokens[0])
    [text] = encode("T1", [HourReport(7, first, NOW - 2 * HOUR, counts)], key, offset=120, keyword=keyword)
    return text


# --- signatures: what the vendors publish, and requests made as they say ---------------------------------------------


def requested(url: str, form: dict[str, str], headers: dict[str, str], method: str = "POST") -> SmsRequest:
    body = urlencode(form).encode()
    names = {name.lower().encode(): value for name, value in headers.items()}
    return SmsRequest(method, url, url.partition("?")[2].encode(), names, body)


def test_the_published_examples_of_signatures_are_accepted() -> None:
    """Twilio's of its page on webhook security, Vonage's of the tests of its Python library."""
    form = {
        "CallSid": "CA1234567890ABCDE", "Caller": "+14158675309", "Digits": "1234", "From": "+14158675309",
        "To": "+18005551212",
    }  # fmt: skip
    signature = {"X-Twilio-Signature": "RSOYDt4T1cUTdK1PDd93/VVr8B8="}
    assert twilio.is_signed(requested("https://mycompany.com/myapp.php?foo=1&bar=2", form, signature), "12345")
    assert not twilio.is_signed(requested("https://mycompany.com/myapp.php?foo=1&bar=3", form, signature), "12345")
    assert not twilio.is_signed(requested("https://mycompany.com/myapp.php?foo=1&bar=2", form, {}), "12345")
    signed = {"a": "1", "b": "2", "timestamp": "1461605396", "sig": "6af838ef94998832dbfc29020b564830"}
    assert vonage.is_signed(requested("https://x/", signed, {}), "secret")
    assert not vonage.is_signed(requested("https://x/", signed | {"b": "3"}, {}), "secret")


def twilio_headers(url: str, form: dict[str, str], digest: str = "sha1", key: str = KEY) -> dict[str, str]:
    text = url + "".join(name + form[name] for name in sorted(form))
    signature = base64.b64encode(hmac.digest(key.encode(), text.encode(), digest)).decode()
    return {"X-Twilio-Signature": signature, "Content-Type": "application/x-www-form-urlencoded"}


def vonage_signature(fields: dict[str, str], digest: str = "sha512") -> str:
    text = "".join(f"&{name}={fields[name].replace('&', '_').replace('=', '_')}" for name in sorted(fields))
    if digest == "md5hash":
        return hashlib.md5((text + KEY).encode(), usedforsecurity=False).hexdigest()
    return hmac.new(KEY.encode(), text.encode(), digest).hexdigest().upper()


def token_of(body: bytes, algorithm: str = "HS256") -> str:
    def part(value: dict[str, Any]) -> str:
        return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")

    signed = f"{part({'alg': algorithm, 'typ': 'JWT'})}.{part({'payload_hash': hashlib.sha256(body).hexdigest()})}"
    signature = hmac.digest(KEY.encode(), signed.encode(), "sha256")
    return f"{signed}.{base64.urlsafe_b64encode(signature).decode().rstrip('=')}"


def phone_headers(body: bytes, key: str = KEY, timestamp: str = "1751350000") -> dict[str, str]:
    signature = hmac.new(key.encode(), body + timestamp.encode(), "sha256").hexdigest()
    return {"X-Signature": signature, "X-Timestamp": timestamp, "Content-Type": "application/json; charset=UTF-8"}


def phone_event(text: str, identity: str = "Ey6ECgOkVVFjz3CL48B8C") -> bytes:
    payload = {
        "messageId": "abc123", "message": text, "sender": "+358401234567", "phoneNumber": "+358401234567",
        "recipient": None, "simNumber": 1, "receivedAt": "2025-07-01T15:46:11.000+07:00",
    }  # fmt: skip
    event = {"deviceId": "ffffffff", "event": "sms:received", "id": identity, "payload": payload, "webhookId": "w"}
    return json.dumps(event).encode()


@given(st.text(max_size=20), st.sampled_from(["md5hash", "md5", "sha1", "sha256", "sha512"]))
def test_a_changed_text_does_not_fit_any_signature(text: str, digest: str) -> None:
    text = text.encode("utf-8", "replace").decode()
    url, form = f"{PUBLIC}/sms/twilio/1", {"Body": text, "From": "+1"}
    signed = twilio_headers(url, form)
    assert twilio.is_signed(requested(url, form, signed), KEY)
    fields = {"msisdn": "1", "text": text}
    sig = vonage_signature(fields, digest)
    assert vonage.is_signed(requested(url, fields | {"sig": sig}, {}), KEY)
    body = phone_event(text)
    assert android.is_signed(SmsRequest("POST", url, b"", _names(phone_headers(body)), body), KEY)
    other = text + "x"
    assert not twilio.is_signed(requested(url, form | {"Body": other}, signed), KEY)
    assert not vonage.is_signed(requested(url, {"msisdn": "1", "text": other, "sig": sig}, {}), KEY)
    assert not android.is_signed(SmsRequest("POST", url, b"", _names(phone_headers(body)), phone_event(other)), KEY)


def _names(headers: dict[str, str]) -> dict[bytes, str]:
    return {name.lower().encode(): value for name, value in headers.items()}


def test_only_what_is_signed_is_read() -> None:
    """Whoever saw one signed request adds a text where its signature does not look."""
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    url = f"{PUBLIC}/sms/twilio/1?{urlencode({'From': '+1', 'Body': 'right'})}"
    signed = replace(requested(url, {}, twilio_headers(url, {}), "GET"), body=b"Body=forged")
    assert twilio.is_signed(signed, KEY)
    assert read_text(twilio.ADAPTER, signed) == "right"

    fields = {"msisdn": "1", "text": "right"}
    url = f"{PUBLIC}/sms/vonage/1?{urlencode(fields | {'sig': vonage_signature(fields)})}"
    signed = replace(requested(url, {}, form, "GET"), body=b"text=forged")
    assert vonage.is_signed(signed, KEY)
    assert read_text(vonage.ADAPTER, signed) == "right"

    fields, url = {"msisdn": "1", "status": "delivered"}, f"{PUBLIC}/sms/vonage/1?text=forged"
    signed = requested(url, fields | {"sig": vonage_signature(fields)}, form)
    assert vonage.is_signed(signed, KEY)
    assert vonage.ADAPTER.read(signed) is None

    body = b'{"from": "1", "message_type": "image"}'
    headers = _names({"Content-Type": "application/json", "Authorization": f"Bearer {token_of(body)}"})
    signed = SmsRequest("POST", url, b"text=forged", headers, body)
    assert vonage.is_signed(signed, KEY)
    assert vonage.ADAPTER.read(signed) is None


def read_text(adapter: Adapter, request: SmsRequest) -> str:
    message = adapter.read(request)
    assert message is not None
    return message.text.text


def test_a_token_without_a_signature_is_refused() -> None:
    body = b'{"text": "x"}'
    for token in (token_of(body, "none"), token_of(b"other"), token_of(body) + "x", "a.b", "", "\xff.\xff.\xff"):
        headers = _names({"Authorization": f"Bearer {token}", "Content-Type": "application/json"})
        assert not vonage.is_signed(SmsRequest("POST", "https://x/", b"", headers, body), KEY)


_TEXTS = st.text(max_size=12) | st.sampled_from(
    ["utf-16", "application/json", "sms:received", "algorithm=x", "Bearer a.b.c"]
)
_NAMES = st.sampled_from(
    ["text", "Body", "udh", "charset", "coding", "sig", "data", "bodySHA256", "concat-ref", "payload"]
)


@given(
    st.sampled_from(list(ADAPTERS.values())),
    st.dictionaries(_NAMES, _TEXTS, max_size=4),
    st.dictionaries(
        st.sampled_from([b"content-type", b"x-twilio-signature", b"authorization", b"x-kannel-udh", b"x-signature"]),
        _TEXTS.map(lambda text: text.encode("utf-8", "replace").decode("latin-1")),
    ),
    st.binary(max_size=20)
    | st.recursive(_TEXTS | st.integers(), st.lists).map(lambda each: json.dumps(each).encode())
    | st.dictionaries(_NAMES | st.just("event"), _TEXTS, max_size=4).map(lambda each: json.dumps(each).encode()),
)
def test_no_request_breaks_an_adapter(
    adapter: Adapter, query: dict[str, str], headers: dict[bytes, str], body: bytes
) -> None:
    encoded = urlencode(query, errors="replace")
    request = SmsRequest("POST", f"{PUBLIC}/sms?{encoded}", encoded.encode(), headers, body)
    assert adapter.is_signed is None or not adapter.is_signed(request, KEY)
    with contextlib.suppress(BadRequest):
        message = adapter.read(request)
        assert message is None or "\0" not in message.sender + message.text.text


# --- the same text through every adapter -----------------------------------------------------------------------------


@dataclass(frozen=True)
class Way:
    """How a gateway delivers a text: the request with the secret or signature, under an id of the gateway's own."""

    name: str
    request: Callable[[str, str, str], dict[str, Any]]
    status: int


def kannel_get(text: str, secret: str, identity: str) -> dict[str, Any]:
    query = f"secret={secret}&from=%2B358401234567&text={quote(text)}&coding=0&charset=UTF-8&udh=&id={identity}"
    return {"method": "GET", "url": f"/sms/kannel?{query}"}


def kannel_ucs2(text: str, secret: str, identity: str) -> dict[str, Any]:
    query = f"secret={secret}&from=%2B358401234567&text={quote(text.encode('utf-16-be'))}&coding=2&id={identity}"
    return {"method": "GET", "url": f"/sms/kannel?{query}"}


def kannel_post(text: str, secret: str, identity: str) -> dict[str, Any]:
    headers = {"Content-Type": 'text/plain; charset="UTF-16BE"', "X-Kannel-From": "+358401234567", "X-Id": identity}
    content = text.encode("utf-16-be")
    return {"method": "POST", "url": "/sms/kannel", "headers": headers, "content": content, "auth": ("any", secret)}


def twilio_post(text: str, _secret: str, identity: str) -> dict[str, Any]:
    form = {"MessageSid": identity, "From": "+358401234567", "To": "+1", "Body": text, "NumMedia": "0"}
    headers = twilio_headers(f"{PUBLIC}/sms/twilio/1", form)
    return {"method": "POST", "url": "/sms/twilio/1", "data": form, "headers": headers}


def twilio_get(text: str, _secret: str, identity: str) -> dict[str, Any]:
    query = urlencode({"MessageSid": identity, "From": "+358401234567", "Body": text})
    headers = twilio_headers(f"https://feedback.example.com:443/hymio/sms/twilio/1?{query}", {}, "sha256")
    headers["X-Twilio-Webhooks-Signature-Settings"] = "key=WK1,algorithm=HMAC_SHA256"
    return {"method": "GET", "url": f"/sms/twilio/1?{query}", "headers": headers}


def vonage_get(text: str, _secret: str, identity: str) -> dict[str, Any]:
    fields = {"msisdn": "+358401234567", "to": "1", "messageId": identity, "text": text, "type": "text", "nonce": "&="}
    query = urlencode(fields | {"sig": vonage_signature(fields, "md5hash")})
    return {"method": "GET", "url": f"/sms/vonage/1?{query}"}


def vonage_json(text: str, _secret: str, identity: str) -> dict[str, Any]:
    fields = {"msisdn": "+358401234567", "messageId": identity, "text": text, "timestamp": "1751350000"}
    return {"method": "POST", "url": "/sms/vonage/1", "json": fields | {"sig": vonage_signature(fields)}}


def vonage_messages(text: str, _secret: str, identity: str) -> dict[str, Any]:
    message = {"channel": "sms", "message_uuid": identity, "from": "+358401234567", "text": text}
    body = json.dumps(message).encode()
    headers = {"Authorization": f"Bearer {token_of(body)}", "Content-Type": "application/json"}
    return {"method": "POST", "url": "/sms/vonage/1", "content": body, "headers": headers}


def phone(text: str, _secret: str, identity: str) -> dict[str, Any]:
    body = phone_event(text, identity)
    return {"method": "POST", "url": "/sms/android/1", "content": body, "headers": phone_headers(body)}


WAYS = [
    Way("Kannel GET", kannel_get, 200), Way("Kannel UCS-2", kannel_ucs2, 200), Way("Kannel POST", kannel_post, 200),
    Way("Twilio POST", twilio_post, 200), Way("Twilio GET", twilio_get, 200), Way("Vonage GET", vonage_get, 200),
    Way("Vonage JSON", vonage_json, 200), Way("Vonage Messages", vonage_messages, 200), Way("Android", phone, 200),
]  # fmt: skip


def test_a_text_counts_once_however_often_and_however_it_is_delivered(
    store: Store, acme: Terminals, http: httpx.Client, kannel: str
) -> None:
    """A gateway's id is another with every delivery; the text's own content says that it is the same."""
    text = report(acme)
    for way in WAYS:
        for identity in ("first-id", "second-id"):
            answer = http.request(**way.request(text, kannel, identity))
            assert (way.name, answer.status_code, answer.headers["X-Hymio-Outcome"]) == (way.name, way.status, "stored")
            assert answer.content in (b"", b'<?xml version="1.0" encoding="UTF-8"?><Response/>')
    assert stored(store, 1, "message", "sender, text") == [("+358401234567", text)]
    assert len(stored(store, 1, "feedback", "button")) == 3
    assert list(intake.verify(store, acme.organization)) == []


def test_a_wrong_secret_or_signature_stores_nothing_but_a_line_in_the_log(
    store: Store, acme: Terminals, http: httpx.Client, kannel: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = report(acme)
    refused: list[dict[str, Any]] = [kannel_get(text, "wrong", "1"), kannel_get(text, acme.sms_secret, "1")]
    for way in (twilio_post, vonage_json, vonage_messages, phone):
        signed, other = way(text, "", "1"), way("another text", "", "1")
        changed: dict[str, Any] = {name: other[name] for name in ("data", "content") if name in other}
        if "json" in signed:
            changed["json"] = other["json"] | {"sig": signed["json"]["sig"]}
        refused.append(signed | changed)
        refused += [signed | {"url": signed["url"].replace("/1", f"/{number}")} for number in (2, 10**23)]
    refused[-3] |= {"headers": {}}
    refused[4] |= {"headers": refused[4]["headers"] | {"Host": "feedback.example.com", "X-Forwarded-Proto": "https"}}
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    for module, name in ((attempts, "hymio.credentials"), (webhook, "hymio.sms")):
        monkeypatch.setattr(module, "_log", structlog.get_logger(name))
    with structlog.testing.capture_logs() as entries:
        for how in refused:
            assert http.request(**how).status_code == 401, how
    assert stored(store, 1, "message", "text") == []
    assert stored(store, 1, "feedback", "button") == []
    assert [entry["event"] for entry in entries].count("wrong credential") == len(refused)
    log = str(entries)
    assert f"{PUBLIC}/sms/twilio/1" in log
    assert not [secret for secret in (text, KEY, kannel, "358401234567") if secret in log]


def test_a_right_signature_over_another_address_is_refused(http: httpx.Client, acme: Terminals) -> None:
    """The public address is configured; what a proxy or a client writes into headers changes nothing."""
    form = {"From": "+1", "Body": report(acme)}
    headers = twilio_headers("https://evil.example.com/sms/twilio/1", form)
    forwarded = {"Host": "evil.example.com", "X-Forwarded-Host": "evil.example.com", "X-Forwarded-Proto": "https"}
    assert http.post("/sms/twilio/1", data=form, headers=headers | forwarded).status_code == 401
    headers = twilio_headers(f"{PUBLIC}/sms/twilio/1", form)
    assert http.post("/sms/twilio/1", data=form, headers=headers | forwarded).status_code == 200


def test_events_that_are_no_texts_are_accepted_and_not_stored(store: Store, http: httpx.Client, kannel: str) -> None:
    body = json.dumps({"event": "sms:sent", "payload": {"messageId": "1"}}).encode()
    answer = http.post("/sms/android/1", content=body, headers=phone_headers(body))
    assert (answer.status_code, answer.headers["X-Hymio-Outcome"]) == (200, "not a text message")
    receipt = {"msisdn": "1", "status": "delivered"}
    assert http.get("/sms/vonage/1", params=receipt | {"sig": vonage_signature(receipt)}).status_code == 200
    for path in ("/sms", "/sms/kannel", "/sms/twilio/1", "/sms/android/1"):
        assert http.put(path).status_code == 405
        assert http.head(path).status_code == (405 if "android" in path else 401)
    query = kannel_get("Hello", kannel, "1")["url"]
    assert http.head(query).headers["X-Hymio-Outcome"] == "nothing is delivered by HEAD"
    assert http.get("/sms/android/1").status_code == 405
    assert stored(store, 1, "message", "text") == []


def saved(how: dict[str, Any], host: str = "feedback.example.com", **more: str) -> bytes:
    """A request as somebody saves it in a file."""
    content = httpx.Request(**how).read() if "auth" not in how else how["content"].encode()
    headers = {"Host": host, **how.get("headers", {}), **more}
    lines = [
        f"{how['method']} {how['url'].removeprefix('http://x')} HTTP/1.1",
        *(f"{k}: {v}" for k, v in headers.items()),
    ]
    return "\r\n".join([*lines, "", ""]).encode() + content


def test_a_saved_request_is_proved(store: Store, acme: Terminals, kannel: str) -> None:
    def proved(how: dict[str, Any], url: str = PUBLIC, **more: str) -> tuple[bool, str]:
        content = saved(how | {"url": f"http://x{how['url']}"}, **more)
        is_right, detail = check_sample(store, acme.organization, content, url)
        return is_right, str(detail)

    for way in (kannel_get, twilio_post, vonage_messages, phone):
        assert proved(way("Hello", kannel, "1")) == (True, "the request is authentic")
        other = way("Hello", "wrong", "1")
        assert proved(other | {"headers": {}})[0] is False
    body = b'{"event": "sms:received",\r\n\r\n "payload": {"message": "x"}}'
    long_path = {"method": "POST", "url": "/hymio/sms/android/1", "content": body, "headers": phone_headers(body)}
    assert proved(long_path)[0]  # as a proxy in front of it logs the path
    moved = "the signature is over https://feedback.example.com; base_url is https://new.example.com"
    form = {"Body": "Hello"}
    headers = twilio_headers("https://feedback.example.com/sms/twilio/1", form)
    signed = {"method": "POST", "url": "/sms/twilio/1", "data": form, "headers": headers}
    assert proved(signed, "https://new.example.com") == (False, moved)
    manage.remove_sms_gateway(store, operator(acme.organization), SmsGateway.TWILIO, now=PLACED)
    assert proved(signed) == (False, "no key is set")
    for content in (b"", b"not a request", b"GET /elsewhere HTTP/1.1\n\n"):
        with pytest.raises(BadRequest):
            check_sample(store, acme.organization, content, PUBLIC)


def test_a_server_whose_public_address_is_not_set_says_of_which_gateway_no_signature_can_fit(
    store: Store, acme: Terminals, kannel: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    monkeypatch.setattr(webhook, "_log", structlog.get_logger("hymio.sms"))
    with structlog.testing.capture_logs() as entries:
        for settings in (SETTINGS, UNBOUND):
            with serving(store, NOW, settings):
                pass
    assert [entry["event"] for entry in entries] == ["SMS signatures cannot fit: base_url is not set"]
    assert entries[0]["address"].endswith("/sms/twilio/1")


# --- any gateway, any charset ----------------------------------------------------------------------------------------


def test_the_generic_address_takes_get_and_every_declared_charset(
    store: Store, acme: Terminals, http: httpx.Client
) -> None:
    text, secret = report(acme), {"X-Hymio-Secret": acme.sms_secret}
    ways: list[dict[str, Any]] = [
        {"method": "GET", "url": f"/sms?text={quote(text)}&secret={acme.sms_secret}"},
        {"method": "GET", "url": f"/sms?text={quote(text.encode('utf-16-be'))}&charset=UTF-16BE", "headers": secret},
        {"method": "POST", "url": "/sms", "json": {"text": text}, "headers": secret},
    ]
    for charset in ("utf-8", "UTF-16", "utf-16le", "iso-8859-15", "windows-1252", "cp037"):
        body = f"Ärlig {text}".encode(charset)
        kind = {"Content-Type": f'text/plain; charset="{charset}"'}
        ways.append({"method": "POST", "url": "/sms", "content": body, "headers": secret | kind})
    for way in ways:
        answer = http.request(**way)
        assert (answer.status_code, answer.headers["X-Hymio-Outcome"]) == (204, "stored"), way
    assert stored(store, 1, "message", "text") == [(text,), (f"Ärlig {text}",)]


def test_a_text_in_an_unknown_charset_keeps_its_bytes(store: Store, acme: Terminals, http: httpx.Client) -> None:
    outcomes = {
        "x-klingon": "unreadable: unknown charset 'x-klingon'",
        "punycode": "unreadable: unknown charset 'punycode'",
        "a\tb" * 90: "unreadable: unknown charset 'ab",
        "utf-16be": "unreadable: the text is not 'utf-16be'",
    }
    body = b"H1/\xff\xd8\x00\xd8"
    for charset, outcome in outcomes.items():
        headers = {"X-Hymio-Secret": acme.sms_secret, "Content-Type": f"text/plain; charset={charset}"}
        answer = http.post("/sms", content=body, headers=headers)
        assert answer.status_code == 204
        assert answer.headers["X-Hymio-Outcome"].startswith(outcome)
    shown = "H1/\\xff\\xd8\N{REPLACEMENT CHARACTER}\\xd8"
    kept = stored(store, 1, "message", "body, text")
    assert [(bytes(each), text) for each, text in kept] == [(body, shown)]  # type: ignore[call-overload]


@given(st.text(), st.sampled_from(["utf-8", "utf-16", "utf-16-be", "utf-16-le", "utf-32", "utf-7"]))
def test_what_a_charset_encodes_it_decodes(text: str, charset: str) -> None:
    text = text.encode("utf-8", "replace").decode().replace("\0", " ").lstrip("\N{ZERO WIDTH NO-BREAK SPACE}")
    assert decoded(text.encode(charset), charset) == (text, None, "")


@given(st.binary(max_size=40), st.text(max_size=12))
def test_bytes_in_any_charset_give_a_text_that_can_be_stored(body: bytes, charset: str) -> None:
    text, kept, _ = decoded(body, charset)
    assert "\0" not in text.encode().decode()
    assert kept in (None, body)


def test_a_coded_body_is_refused(store: Store, acme: Terminals, http: httpx.Client) -> None:
    headers = {"X-Hymio-Secret": acme.sms_secret, "Content-Type": "text/plain", "Content-Encoding": "gzip"}
    for address in ("/sms", "/sms/kannel", "/sms/twilio/1"):
        answer = http.post(address, content=b"\x1f\x8b", headers=headers)
        assert (answer.status_code, answer.json()["code"]) == (415, "sms-body-coded")
    assert stored(store, 1, "message", "text") == []


# --- parts of longer texts -------------------------------------------------------------------------------------------


def two_parts(text: str) -> tuple[str, str]:
    return text[:20], text[20:]


def by_kannel(text: str, header: bytes, secret: str) -> dict[str, Any]:
    return {"method": "GET", "url": f"/sms/kannel?secret={secret}&from=123&text={quote(text)}&udh={quote(header)}"}


def by_vonage(text: str, header: bytes, _secret: str) -> dict[str, Any]:
    fields = {
        "msisdn": "123", "text": text, "concat": "true", "concat-ref": str(header[3]), "concat-total": "2",
        "concat-part": str(header[5]),
    }  # fmt: skip
    return {"method": "GET", "url": f"/sms/vonage/1?{urlencode(fields | {'sig': vonage_signature(fields)})}"}


def by_post(text: str, header: bytes, secret: str) -> dict[str, Any]:
    headers = {"X-Kannel-From": "123", "X-Kannel-UDH": quote(header), "Content-Type": "application/octet-stream"}
    return {"method": "POST", "url": "/sms/kannel", "content": text, "headers": headers, "auth": ("any", secret)}


def test_parts_are_joined_in_any_order_and_count_once(
    store: Store, acme: Terminals, http: httpx.Client, kannel: str
) -> None:
    texts: list[str] = []
    for request in (by_kannel, by_post, by_vonage):
        for order in ((0, 1), (1, 0), (0, 0, 1, 1, 0)):
            texts.append(report(acme, 1 + 3 * len(texts), keyword="HYMIO"))
            for number in order:
                header = bytes([5, 0, 3, len(texts), 2, number + 1])
                assert http.request(**request(two_parts(texts[-1])[number], header, kannel)).status_code == 200
    assert len(stored(store, 1, "feedback", "button")) == 3 * len(texts)
    with store.read() as transaction:
        listed = newest_messages(transaction, 1, 99)
    assert sorted((row.text, row.outcome_at(NOW)) for row in listed) == sorted((text, "stored") for text in texts)
    late = NOW + PARTS_WAIT_MS
    with serving(store, late, SETTINGS) as url, client() as later:
        later.base_url = httpx.URL(url)
        assert later.request(**by_kannel("x", UDH[0], kannel)).status_code == 200
    assert {row[0] for row in stored(store, 1, "message", "text")} == {"", "x", *texts}  # after the hour none is twice


@settings(max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_texts_with_the_same_reference_are_joined_in_any_order(
    store: Store, acme: Terminals, http: httpx.Client, kannel: str, data: st.DataObject
) -> None:
    reference, total = data.draw(st.integers(0, 255)), data.draw(st.integers(2, 4))
    before = len(stored(store, 1, "feedback", "button"))
    texts = [report(acme, 1 + before + 3 * n) for n in range(2)]
    cuts = [0, *sorted(data.draw(st.sets(st.integers(1, 30), min_size=total - 1, max_size=total - 1))), MAX_CHARACTERS]
    parts = [(text[cuts[n] : cuts[n + 1]], n + 1) for text in texts for n in range(total)]
    for text, number in data.draw(st.permutations(parts)):
        header = bytes([5, 0, 3, reference, total, number])
        assert http.request(**by_kannel(text, header, kannel)).status_code == 200
    assert len(stored(store, 1, "feedback", "button")) == before + 6
    with store.read() as transaction:
        listed = newest_messages(transaction, 1, 999)
    assert set(texts) <= {row.text for row in listed if row.outcome == "stored"}
    assert [row for row in listed if row.part is not None] == []


def test_a_reference_that_comes_back_loses_no_text(
    store: Store, acme: Terminals, http: httpx.Client, kannel: str
) -> None:
    first, second = two_parts(report(acme)), two_parts(report(acme, 4))
    for text, header in ((first[0], UDH[0]), (second[1], UDH[1]), (second[0], UDH[0]), (first[1], UDH[1])):
        http.request(**by_kannel(text, header, kannel))
    assert len(stored(store, 1, "feedback", "button")) == 6


def test_parts_of_other_senders_and_texts_stay_apart(
    store: Store, acme: Terminals, http: httpx.Client, kannel: str
) -> None:
    first, second = two_parts(report(acme)), two_parts(report(acme, 9, (0, 4)))
    other = bytes([6, 8, 4, 1, 42, 2, 1]), bytes([6, 8, 4, 1, 42, 2, 2])
    for request in (
        by_kannel(first[0], UDH[0], kannel),
        by_kannel(second[0], other[0], kannel),
        by_kannel(second[1], UDH[1], kannel) | {"url": by_kannel(second[1], UDH[1], kannel)["url"].replace("123", "9")},
    ):
        assert http.request(**request).headers["X-Hymio-Outcome"].endswith("of 2 is stored")
    assert stored(store, 1, "feedback", "button") == []
    for request in (by_kannel(second[1], other[1], kannel), by_kannel(first[1], UDH[1], kannel)):
        assert http.request(**request).headers["X-Hymio-Outcome"] == "stored"
    assert len(stored(store, 1, "feedback", "button")) == 7


def test_parts_that_never_complete_are_listed_after_the_hour(
    store: Store, acme: Terminals, http: httpx.Client, kannel: str
) -> None:
    first, second = two_parts(report(acme))
    http.request(**by_kannel(first, UDH[0], kannel))
    with store.read() as transaction:
        [row] = newest_messages(transaction, 1, 9)
    assert (row.sender, row.text) == ("123", first)
    assert row.outcome_at(NOW) == "part 1 of 2: waits for the others"
    late = NOW + PARTS_WAIT_MS
    assert row.outcome_at(late) == "incomplete: part 1 of 2; none that fit arrived within an hour"
    with serving(store, late, SETTINGS) as url, client() as later:
        answer = later.request(
            **by_kannel(second, UDH[1], kannel) | {"url": url + by_kannel(second, UDH[1], kannel)["url"]}
        )
        assert answer.headers["X-Hymio-Outcome"] == "part 2 of 2 is stored"
    assert stored(store, 1, "feedback", "button") == []


@given(st.binary(max_size=20))
def test_any_header_gives_a_part_that_fits_or_none(header: bytes) -> None:
    part = part_in_header(header)
    assert part is None or 1 <= part.number <= part.total <= 255


def test_a_header_with_other_elements_names_its_part() -> None:
    assert part_in_header(bytes([8, 0x24, 1, 1, 0, 3, 7, 3, 2])) == ("7", 2, 3)
    assert part_in_header(bytes([6, 8, 4, 1, 2, 3, 1])) == ("258", 1, 3)
    assert part_in_header(bytes([5, 0, 3, 7, 1, 1])) is None  # a text of one part


def test_a_keyword_counts_in_the_160(acme: Terminals) -> None:
    key = manage.sms_key(acme.tokens[0])
    hours = [HourReport(7, 1 + 4 * n, NOW - (60 - n) * HOUR, (1, 1, 1, 1)) for n in range(60)]
    texts = encode("2415VE0A110042", hours, key, offset=120, keyword="HYMIO")
    assert all(text.startswith("HYMIO H1/") and len(text) <= MAX_CHARACTERS for text in texts)
    assert max(map(len, texts)) > MAX_CHARACTERS - 12
    assert [hour for text in texts for hour in decode(text).hours] == [
        HourReport(hour.epoch, hour.first, hour.at, hour.counts, 120) for hour in hours
    ]


def test_openapi_has_every_address_with_its_methods() -> None:
    paths = {path: set(operations) for path, operations in sms_operations.paths().items()}
    assert paths == {
        path_of(gateway, 0).replace("/0", "/{organization}"): {method.lower() for method in adapter.methods}
        for gateway, adapter in ADAPTERS.items()
    }
