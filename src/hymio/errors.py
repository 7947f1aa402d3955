"""Every error that Hymio raises on purpose: a stable code, an English text made from its values, and an HTTP status.

HymioError                 500
├── BadRequest             400   parameter, got, accepted
├── Unauthorized           401
├── Forbidden              403
├── NotFound               404
├── MethodNotAllowed       405
├── RequestTimeout         408
├── Conflict               409
│   └── LeaseLost          409   another process may have taken over
├── TooLarge               413
├── UnsupportedMediaType   415
├── TooManyRequests        429   retry_after
├── HeaderTooLarge         431
├── Unavailable            503   retry_after; also a locked database or a full disk
│   ├── ChecksFailed       503   the results of the checks; logged where each is made
│   ├── ClockBehind        503   the server's clock is before the newest receive time
│   └── DatabaseReplaced   503   the database file is another one than was opened; logged where it is noticed
├── SetupError             400   an impossible set-up: unknown zone, overlapping assignments
└── DatabaseError          500   the database cannot be used as it is
    └── DatabaseTooNew     500   it was written by a newer Hymio

An error is raised as `NotFound("unknown-node", "there is no node {node}", node=7)`: the code never changes once it is
published, the text may. `docs/errors.md` lists all codes; it is made from these calls, so both are literals there.
"""

from typing import ClassVar, Final, NamedTuple

_MAX_ECHO = 200
"""Characters of a caller's input that a message repeats."""

PARTS_TEXT: Final = "{parameter}: got {got}, accepted: {accepted}"
"""The text of a BadRequest that has none of its own."""


class Phrase(str):
    """An English text with the template and the values it was made from, so that it can be put into other languages."""

    __slots__ = ("template", "values")
    template: str
    values: dict[str, object]

    def __new__(cls, template: str, /, **values: object) -> "Phrase":
        """`template` is a `str.format` text whose fields are the names of `values`."""
        phrase = super().__new__(cls, template.format(**values) if values else template)
        phrase.template, phrase.values = template, values
        return phrase


class HymioError(Exception):
    """The root: `code` is stable, `detail` says in a sentence what happened, `title` names the kind."""

    status: ClassVar[int] = 500
    title: ClassVar[str] = "Internal error"

    def __init__(self, code: str, text: str, /, **values: object) -> None:
        """`text` is a `str.format` text whose fields are the names of `values`."""
        self.code = code
        self.detail = Phrase(text, **values)
        super().__init__(self.detail)

    @property
    def public_detail(self) -> Phrase:
        """What a client may read: the detail, unless it is the operator's alone."""
        return self.detail


class BadRequest(HymioError):
    """The request cannot be used. Without a text of its own, the message is PARTS_TEXT."""

    status = 400
    title = "Bad request"
    default_code: ClassVar[str] = "bad-parameter"

    def __init__(
        self,
        code: str = default_code,
        text: str = "",
        /,
        *,
        parameter: str | None = None,
        got: str | None = None,
        accepted: str | None = None,
        **values: object,
    ) -> None:
        """`got` is the caller's input, of which the message repeats the beginning; `accepted` may be a Phrase.

        A text of its own may name all three as fields; it shows `got` as it is.
        """
        self.parameter, self.got, self.accepted = parameter, got, accepted
        echo = got if got is None or text else _echo(got)
        super().__init__(code, text or PARTS_TEXT, parameter=parameter, got=echo, accepted=accepted, **values)


def _echo(text: str) -> str:
    return repr(text) if len(text) <= _MAX_ECHO else f"{text[:_MAX_ECHO]!r}…"


class Unauthorized(HymioError):
    """No credential, or an unknown one."""

    status = 401
    title = "Unauthorized"

    def __init__(self, code: str, text: str, /, *, is_missing: bool = False, **values: object) -> None:
        """`is_missing` means that the request had no credential at all, and so did not try a wrong one."""
        super().__init__(code, text, **values)
        self.is_missing = is_missing


class Forbidden(HymioError):
    """The credential is valid, but does not give access to this."""

    status = 403
    title = "Forbidden"


class NotFound(HymioError):
    """The object does not exist, or is outside the principal's scope."""

    status = 404
    title = "Not found"


class MethodNotAllowed(HymioError):
    """The address does not take the method of the request."""

    status = 405
    title = "Method not allowed"


class RequestTimeout(HymioError):
    """The request did not arrive in time."""

    status = 408
    title = "Request timeout"


class Conflict(HymioError):
    """It contradicts what is stored."""

    status = 409
    title = "Conflict"


class LeaseLost(Conflict):
    """The lease under which this process worked has ended; another may have taken its work over."""

    title = "Lease lost"


class TooLarge(HymioError):
    """The body is larger than this address accepts."""

    status = 413
    title = "Too large"


class UnsupportedMediaType(HymioError):
    """The body is in a coding that this address does not read."""

    status = 415
    title = "Unsupported media type"


class TooManyRequests(HymioError):
    """This client has to wait for `retry_after` seconds."""

    status = 429
    title = "Too many requests"

    def __init__(self, code: str, text: str, /, *, retry_after: int, **values: object) -> None:
        """`retry_after` is in seconds."""
        super().__init__(code, text, **values)
        self.retry_after = retry_after


class HeaderTooLarge(HymioError):
    """The header section of a request is bigger than the server takes."""

    status = 431
    title = "Request header too large"


class Unavailable(HymioError):
    """Nothing was acknowledged; the request may succeed after `retry_after` seconds. The cause is for the operator."""

    status = 503
    title = "Unavailable"

    def __init__(self, code: str, text: str, /, *, retry_after: int = 5, cause: str = "", **values: object) -> None:
        """`cause` is the driver's message: it goes into the log and never to a client."""
        super().__init__(code, text, **values)
        self.retry_after = retry_after
        self._public_detail = self.detail
        if cause:
            self.detail = Phrase("{detail}: {cause}", detail=self._public_detail, cause=cause)
            self.args = (self.detail,)

    @property
    def public_detail(self) -> Phrase:
        """The detail without its cause, which may say where the database is."""
        return self._public_detail


class CheckResult(NamedTuple):
    """One check of the server's health; `detail` says what is wrong, and is empty where it is `ok`."""

    name: str
    ok: bool
    detail: str


class ChecksFailed(Unavailable):
    """The server is not well; each check that failed has been logged."""

    def __init__(self, code: str, text: str, /, *, results: tuple[CheckResult, ...], **values: object) -> None:
        """`results` are those of all checks, also of the ones that passed."""
        super().__init__(code, text, retry_after=5, cause="", **values)
        self.results = results


class ClockBehind(Unavailable):
    """The server's clock lies before the newest receive time of an organization's ledger, so nothing was stored."""


class DatabaseReplaced(Unavailable):
    """The open database file is no longer the one at its path. It is logged once, where it is noticed."""


class SetupError(HymioError):
    """The requested set-up is impossible."""

    status = 400
    title = "Impossible set-up"


class DatabaseError(HymioError):
    """The database cannot be used as it is, and trying again will not help."""

    title = "Database error"


class DatabaseTooNew(DatabaseError):
    """The database was written by a newer version of Hymio than this one."""

    title = "Database too new"
