"""uvicorn's classes that `hymio.serving.connection` extends are those it was written for."""

from __future__ import annotations

import hashlib
import inspect
from importlib.metadata import version

import pytest
import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from hymio.serving.connection import Connection

DIGESTS = {
    HttpToolsProtocol: "18fdf324b11bf160",
    RequestResponseCycle: "e67d470d435dcc1c",
    uvicorn.Server: "06e799f7c58f8be6",
}
"""Digests of the source that Hymio was tested with; uvicorn's upper bound in pyproject.toml belongs to them."""

WHAT_TO_DO = (
    "{name} of uvicorn {version} is not the one that hymio.serving was tested with. Compare it with the version before;"
    " look above all at what Connection and Server override and read (listed in the test below), and at how a request,"
    " its body and a shutdown pass through it. Run tests/test_app.py and `hymio bench`. Then put the new digest here,"
    " {digest}, and the new upper bound into pyproject.toml."
)

OVERRIDDEN = (
    "connection_made",
    "connection_lost",
    "data_received",
    "on_message_begin",
    "on_header",
    "on_headers_complete",
    "on_message_complete",
    "on_response_complete",
    "pause_writing",
    "resume_writing",
    "timeout_keep_alive_handler",
    "shutdown",
    "send_400_response",
)

PRIVATE = ("_start_asgi_task",)
"""Overridden, although not public."""

OWN = ("make_room",)
"""What the occupancy calls."""


@pytest.mark.parametrize("kind", DIGESTS, ids=lambda kind: kind.__name__)
def test_the_base_class_is_the_one_that_was_tested(kind: type):
    digest = hashlib.sha256(inspect.getsource(kind).encode()).hexdigest()[:16]
    what = WHAT_TO_DO.format(name=kind.__name__, version=version("uvicorn"), digest=digest)
    assert digest == DIGESTS[kind], what


def test_public_methods_of_connection_are_those_of_the_base_class_with_the_same_parameters():
    assert {name for name in vars(Connection) if not name.startswith("_")} == {*OVERRIDDEN, *OWN}
    for name in (*OVERRIDDEN, *PRIVATE):
        own, base = (
            list(inspect.signature(getattr(kind, name)).parameters) for kind in (Connection, HttpToolsProtocol)
        )
        assert own == base, name
