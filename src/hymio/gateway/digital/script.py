"""The script of a published smiley, for its own tag and for pages that have the tag of the published embed."""

from __future__ import annotations

import gzip
import re
from functools import cache, lru_cache
from importlib.resources import files
from typing import Any, Final

import msgspec
from litestar import Request, Response, get
from litestar.concurrency import sync_to_thread
from litestar.handlers import HTTPRouteHandler

from hymio.brand import HYMIO, Brand
from hymio.errors import NotFound
from hymio.gateway.digital.configuration import configuration
from hymio.gateway.digital.messages import PATH as MESSAGES
from hymio.gateway.digital.messages import Intake
from hymio.gateway.digital.minify import minified_script, minified_styles
from hymio.gateway.digital.shown import Shown, shown
from hymio.gateway.digital.wish import Wish
from hymio.serving.answers import base_url_of, is_known, tag_of

OWN: Final = "/w/{code:str}/w.js"
PUBLISHED: Final = "/v1/bootloader/{code:str}/bootloaderjs"
"""The address in the tag of the published embed, with or without a slash at its end."""

MAX_BYTES: Final = 3_500
"""Bytes of the script as it is sent to a browser: compressed, with styles, faces, and English texts."""

_HEAD: Final = "// Hymio\n"
_COMPRESSED: Final = re.compile(r"\bgzip\b(?!\s*;\s*q=0(?:\.0*)?\s*(?:,|$))")

AnyRequest = Request[Any, Any, Any]
_to_json: Final = msgspec.json.Encoder()


def routes(intake: Intake) -> list[HTTPRouteHandler]:
    """The handlers of both addresses."""

    @get(OWN)
    async def own(request: AnyRequest) -> Response[bytes]:
        """The script of the own tag."""
        return await _script(intake, request, published=False)

    @get(PUBLISHED)
    async def published(request: AnyRequest) -> Response[bytes]:
        """The script of the published tag; `init=true` shows the smiley at once, in a corner of the page."""
        return await _script(intake, request, published=True)

    return [own, published]


async def _script(intake: Intake, request: AnyRequest, *, published: bool) -> Response[bytes]:
    """The script with its configuration in a language; a quiet 404 for a wrong code or token."""
    wish = Wish(request.query_params.get("lang", ""), request.headers.get("Accept-Language", ""))
    code = request.path_params["code"]
    try:
        here = await sync_to_thread(shown, intake.services.store, code, wish, intake.services.clock())
    except NotFound:
        return Response(b"", status_code=404, media_type="text/plain", headers={"Cache-Control": "no-store"})
    base = base_url_of(intake.services.settings, request)
    pops = published and request.query_params.get("init") == "true"
    body = script(here, f"{base}{MESSAGES}", published=published, pops=pops)
    headers = {
        "Cache-Control": "public, max-age=60", "Cross-Origin-Resource-Policy": "cross-origin",
        "Vary": "Accept-Language, Accept-Encoding",
    }  # fmt: skip
    if _COMPRESSED.search(request.headers.get("Accept-Encoding", "")):
        body, headers["Content-Encoding"] = compressed(body), "gzip"
    headers["ETag"] = tag = tag_of(body)
    if is_known(tag, request.headers.get("If-None-Match", "")):
        return Response(b"", status_code=304, headers=headers)
    return Response(body, media_type="text/javascript", headers=headers)


def script(here: Shown, url: str, *, published: bool = False, pops: bool = False) -> bytes:
    """The script of a smiley, which sends messages to a URL."""
    settings = _to_json.encode(configuration(here, url, published=published, pops=pops)).decode()
    code = _minified("w.js").replace("PROOF", _proof(here.publication.work_bits))
    styles = _styles("w.css") + _styles("pop.css") * published + _styles("numbers.css") * here.has_numbers
    return f"{_HEAD}({code})({settings},{_to_json.encode(styles + _rules(here.brand)).decode()})".encode()


@lru_cache(maxsize=256)
def compressed(body: bytes) -> bytes:
    """A script compressed; equal ones are compressed once."""
    return gzip.compress(body, 9, mtime=0)


def _proof(bits: int) -> str:
    """The function that proves work, 0 where none is asked for."""
    return f"({_minified('work.js').replace('BITS', str(bits))})(press)" if bits else "0"


def _rules(brand: Brand) -> str:
    """Rules of CSS that change the script's look from that of Hymio. The page around it has the logo already."""
    rules = []
    if brand.has_own_colours:
        names = {"--ink": brand.ink, "--ground": brand.ground, "--edge": brand.edge}
        names |= {"--accent": brand.accent, "--on": brand.on_accent, "border-color": brand.edge}
        rules = [f".w{{{';'.join(f'{name}:{value}' for name, value in names.items())}}}"]
    if brand.size != HYMIO.size:
        rules.append(f".w{{font-size:{brand.size}%}}")
    if brand.is_square:
        rules.append("*{border-radius:0}")
    return "".join(rules)


@cache
def _minified(name: str) -> str:
    return minified_script(_static(name))


@cache
def _styles(name: str) -> str:
    return minified_styles(_static(name))


def _static(name: str) -> str:
    return (files("hymio.gateway.digital") / "static" / name).read_text(encoding="utf-8")
