"""Cookies of pages, and the token by which a form shows that it comes from a page of Hymio."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from typing import Any, Final, NamedTuple
from urllib.parse import parse_qsl

from litestar import Request
from litestar.datastructures import Cookie

from hymio.errors import Forbidden, TooLarge
from hymio.settings import Settings

SESSION: Final = "hymio-session"
FORM: Final = "hymio-form"
"""The cookie of a browser without a session: a random text from which the token of its forms is made."""

MAX_FORM_BYTES: Final = 64 << 10
"""Bytes of a form that is sent."""

_MAX_FIELDS: Final = 100
_TOKEN_FIELD: Final = "token"  # noqa: S105  the name of a field


class Cookies(NamedTuple):
    """How a server names its cookies: over HTTPS with the prefix `__Host-`, which browsers accept from no other host.

    Over plain HTTP, as in a demo on one's own machine, browsers accept neither the prefix nor `Secure`.
    """

    is_secure: bool

    @classmethod
    def of(cls, request: Request[Any, Any, Any], settings: Settings) -> Cookies:
        """The cookies for a request: secure if it came over HTTPS or the public address says so."""
        return cls(request.scope["scheme"] == "https" or settings.public_url.startswith("https://"))

    def name(self, name: str) -> str:
        """The name of a cookie as it is sent."""
        return f"__Host-{name}" if self.is_secure else name

    def read(self, request: Request[Any, Any, Any], name: str) -> str:
        """The value of a cookie in a request; empty if it has none."""
        return str(request.cookies.get(self.name(name), ""))

    def set(self, name: str, value: str, seconds: int | None = None) -> Cookie:
        """A cookie that scripts cannot read and other sites cannot send along with a form.

        It lasts `seconds`, or until the browser is closed.
        """
        return Cookie(
            self.name(name),
            value=value,
            path="/",
            secure=self.is_secure,
            httponly=True,
            samesite="lax",
            max_age=seconds,
        )

    def clear(self, name: str) -> Cookie:
        """Deletes a cookie."""
        return self.set(name, "", 0)


def new_form_secret() -> str:
    """A value of the cookie FORM."""
    return secrets.token_urlsafe(24)


def form_token(secret: str) -> str:
    """The token of forms for a browser, made from the secret in its cookie, which no other site can read."""
    return hashlib.blake2b(secret.encode(), digest_size=24, person=b"hymio-form").hexdigest()


async def form_of(request: Request[Any, Any, Any], secret: str) -> dict[str, str]:
    """The fields of a form. Forbidden unless it has the token of the browser and was sent by a page of this server.

    TooLarge beyond MAX_FORM_BYTES.
    """
    body = await request.body()
    if len(body) > MAX_FORM_BYTES:
        raise TooLarge("form-too-large", "The form is larger than {bytes} bytes.", bytes=MAX_FORM_BYTES)
    try:
        fields = dict(parse_qsl(body.decode(), keep_blank_values=True, max_num_fields=_MAX_FIELDS))
    except (UnicodeDecodeError, ValueError):
        fields = {}
    is_ours = request.headers.get("Sec-Fetch-Site", "same-origin") in ("same-origin", "none")
    sent = fields.pop(_TOKEN_FIELD, "").encode("utf-8", "surrogatepass")
    if not secret or not is_ours or not hmac.compare_digest(sent, form_token(secret).encode()):
        raise Forbidden("form-refused", "This form is out of date. Open the page again, then send it once more.")
    return fields
