"""The OpenAPI operations of the addresses of SMS gateways. docs/terminal-protocol.md says what each gateway sends."""

from __future__ import annotations

from typing import Any, Final

Json = dict[str, Any]

SECURITY: Final[Json] = {
    "smsSecret": {"type": "apiKey", "in": "header", "name": "X-Hymio-Secret"},
    "smsBasic": {"type": "http", "scheme": "basic", "description": "Any user; the secret is the password."},
    "smsQuery": {"type": "apiKey", "in": "query", "name": "secret"},
    "twilioSignature": {"type": "apiKey", "in": "header", "name": "X-Twilio-Signature"},
    "vonageToken": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT", "description": "Messages API."},
    "vonageSignature": {"type": "apiKey", "in": "query", "name": "sig", "description": "SMS API."},
    "androidSignature": {"type": "apiKey", "in": "header", "name": "X-Signature"},
}

_SECRET: Final[list[Json]] = [{"smsSecret": []}, {"smsBasic": []}, {"smsQuery": []}]
_STATUSES: Final = ("400", "401", "404", "405", "413", "415", "429", "503")
_SHOWN_OUTCOME: Final[Json] = {"X-Hymio-Outcome": {"schema": {"type": "string"}}}
_ORGANIZATION: Final[Json] = {
    "name": "organization", "in": "path", "required": True, "schema": {"type": "integer", "minimum": 1},
}  # fmt: skip


def paths() -> Json:
    """The path objects of all addresses, with an operation for each method that the gateway uses."""
    form = ("application/x-www-form-urlencoded",)
    json = ("application/json",)
    return {
        "/sms": _path("generic", "any SMS gateway", _SECRET, ("text", "from", "charset"), (*json, *form, "text/plain")),
        "/sms/kannel": _path(
            "kannel", "Kannel", _SECRET, ("text", "from", "charset", "coding", "udh"),
            (*form, "text/plain", "application/octet-stream"),
        ),
        "/sms/twilio/{organization}": _path("twilio", "Twilio", [{"twilioSignature": []}], ("Body", "From"), form),
        "/sms/vonage/{organization}": _path(
            "vonage", "Vonage", [{"vonageToken": []}, {"vonageSignature": []}], ("text", "msisdn", "type"),
            (*json, *form),
        ),
        "/sms/android/{organization}": _path(
            "android", "SMS Gateway for Android", [{"androidSignature": []}], (), json
        ),
    }  # fmt: skip


def _path(gateway: str, name: str, security: list[Json], fields: tuple[str, ...], media_types: tuple[str, ...]) -> Json:
    """The path object of a gateway: `POST` with these media types, and `GET` with fields in the query if it has any."""
    common: Json = {
        "description": "Described in the terminal protocol, `/docs/terminal-protocol`.",
        "tags": ["Smileys"],
        "security": security,
        "responses": _responses(gateway),
    }
    if len(security) == 1 or gateway == "vonage":
        common["parameters"] = [_ORGANIZATION]
    post = common | {
        "operationId": f"{gateway}Text",
        "summary": f"Delivery of a terminal's text message by {name}",
        "requestBody": {"content": {media: {"schema": _body(gateway, media)} for media in media_types}},
    }
    if not fields:
        return {"post": post}
    query = [{"name": field, "in": "query", "required": False, "schema": {"type": "string"}} for field in fields]
    get = common | {
        "operationId": f"{gateway}TextByGet",
        "summary": f"Delivery of a terminal's text message by {name}, with the fields in the query",
        "parameters": [*common.get("parameters", []), *query],
    }
    return {"get": get, "post": post}


def _body(gateway: str, media_type: str) -> Json:
    """The schema of a body."""
    if media_type in ("text/plain", "application/octet-stream"):
        return {"type": "string", "description": "The text, in the charset of the Content-Type."}
    return {"$ref": "#/components/schemas/TextMessage"} if gateway == "generic" else {"type": "object"}


def _responses(gateway: str) -> Json:
    """The response objects: an accepted text has an empty answer, or the one that the gateway takes for nothing."""
    success: Json = {
        "description": "The message is stored, or is none that Hymio reads; the header describes the result.",
        "headers": _SHOWN_OUTCOME,
    }
    if gateway != "generic":
        media = "text/xml" if gateway == "twilio" else "text/plain"
        success["content"] = {media: {"schema": {"type": "string"}}}
    refusals = {status: {"$ref": f"#/components/responses/{status}"} for status in _STATUSES}
    return {"204" if gateway == "generic" else "200": success, **refusals}
