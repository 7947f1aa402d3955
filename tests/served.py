"""Hymio served over real HTTP for tests, and a client that holds every answer to the published OpenAPI document."""

from __future__ import annotations

import logging
import re
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from typing import Any

import httpx
import jsonschema
import structlog

from hymio.api import openapi
from hymio.app import make_server
from hymio.clock import Clock, ClockWatch
from hymio.manage import ApiCredentials
from hymio.settings import Settings
from hymio.store import Store
from tests.example import NOW

UNBOUND = Settings(port=0, wrong_credentials=0)
"""Many tests send one wrong credential after the other."""


@contextmanager
def serving(
    store: Store, settings: Settings | None = None, now: int | Clock = NOW, watch: ClockWatch | None = None
) -> Iterator[httpx.Client]:
    """Serves a store on a free port of the loopback, at a fixed instant or by a clock; gives a client of it."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    clock = now if callable(now) else lambda: now
    server = make_server(store, settings or UNBOUND, clock, watch=watch)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        assert thread.is_alive(), "the server ended before it served"
        time.sleep(0.005)
    port = server.servers[0].sockets[0].getsockname()[1]
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=60) as client:
            yield client
    finally:
        server.should_exit = True
        thread.join()


class Api:
    """A client of API v1 whose answers must be as published; clients of one server share its connections."""

    def __init__(self, http: httpx.Client, credentials: ApiCredentials | None) -> None:
        self.http = http
        self.auth = None if credentials is None else httpx.BasicAuth(credentials.client_id, credentials.token)

    def of(self, credentials: ApiCredentials | None) -> Api:
        """Another client of the same server."""
        return Api(self.http, credentials)

    def request(self, method: str, path: str, headers: Mapping[str, str] | None = None) -> httpx.Response:
        """An answer, unchecked."""
        return self.http.request(method, path, auth=self.auth, headers=headers)

    def get(self, path: str, headers: Mapping[str, str] | None = None, **params: Any) -> httpx.Response:
        """An answer, checked; parameters may be in the path or by name."""
        answer = self.http.get(path, auth=self.auth, headers=headers, params=params or None)
        check(answer)
        return answer

    def json(self, path: str, **params: Any) -> Any:
        """The content of a good answer."""
        answer = self.get(path, **params)
        assert answer.status_code == 200, answer.text
        return answer.json()


def check(answer: httpx.Response) -> None:
    """The answer's status, media type and content are those that the document names for its path."""
    document = described()
    path = re.sub("/{2,}", "/", answer.request.url.path)
    method = answer.request.method.lower()
    operation = next((each[method] for template, each in document["paths"].items() if _fits(template, path)), None)
    assert operation is not None, f"{path} is not in the OpenAPI document"
    told = operation["responses"][str(answer.status_code)]
    if "$ref" in told:
        told = document["components"]["responses"][str(answer.status_code)]
    media_type = answer.headers.get("content-type", "").partition(";")[0]
    if "content" not in told:
        assert (answer.content, media_type) == (b"", "")
        return
    if media_type == "text/csv":
        return
    schema = {**told["content"][media_type]["schema"], "components": document["components"]}
    jsonschema.validate(answer.json(), schema, cls=jsonschema.Draft202012Validator)


@cache
def described() -> dict[str, Any]:
    """The published description."""
    return openapi.document("https://hymio.example.com")


def _fits(template: str, path: str) -> bool:
    return re.fullmatch(re.sub(r"\{[a-z]+\}", "[^/]+", template), path) is not None
