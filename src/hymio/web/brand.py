"""The page on which an ADMIN of the whole organization chooses how its published smileys look, and sees it first."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final
from urllib.parse import urlencode

from litestar import Request, Response, get, post
from litestar.handlers import HTTPRouteHandler

from hymio import manage
from hymio.access import Principal
from hymio.brand import HYMIO, Brand, check_brand
from hymio.errors import Forbidden, SetupError
from hymio.manage import SignedIn
from hymio.web.cookies import form_of
from hymio.web.people import People, Visit, visit
from hymio.web.sign_in import Answer
from hymio.web.smiley_asked import admin

PAGE: Final = "/look"
SAMPLE: Final = "/look/sample.css"

_COLOURS: Final = ("ground", "ink", "accent")
_SAMPLE_RULES: Final = (
    ".sample{background:var(--ground);color:var(--ink);border:1px solid var(--edge);padding:24px;text-align:center}"
    ".sample .main{background:var(--brand);color:var(--on-brand);border-color:var(--brand)}"
    ".sample button{color:var(--ink);background:var(--ground);border-color:var(--edge);width:100%;margin:8px 0}"
)


def routes(people: People) -> list[HTTPRouteHandler]:
    """The handlers of the page, its form, and the style sheet of its sample."""

    @get(PAGE, sync_to_thread=True)
    def look(request: Request[Any, Any, Any]) -> Answer:
        """The page with the present look."""
        here = visit(people, request)
        return here.to_sign_in() if here.person is None else _page(here, _present(here, here.person))

    @post(PAGE, status_code=200)
    async def choose(request: Request[Any, Any, Any]) -> Answer:
        """Shows a look, or saves it."""
        here = await asyncio.to_thread(visit, people, request)
        if here.person is None:
            return here.to_sign_in()
        return await asyncio.to_thread(_choose, here, here.person, await form_of(request, here.form_secret))

    @get(SAMPLE, sync_to_thread=True)
    def sample(request: Request[Any, Any, Any]) -> Response[bytes]:
        """The style sheet of the sample, empty for a look that is refused."""
        css = _sample_css(dict(request.query_params))
        return Response(css.encode(), media_type="text/css", headers={"Cache-Control": "no-store"})

    return [look, choose, sample]


def _present(here: Visit, person: SignedIn) -> Brand:
    """The organization's look. Forbidden for who may not change it."""
    _whole_tree(here, person)
    return manage.brand(here.services.store, person.principal)


def _whole_tree(here: Visit, person: SignedIn) -> Principal:
    """The person's principal. Forbidden unless it may change smileys of the whole tree."""
    principal = admin(person)
    if not principal.reaches_all(here.services.store.layout(principal.organization).hierarchy):
        raise Forbidden("whole-tree-needed", "this takes a scope that is the whole tree")
    return principal


def _page(here: Visit, brand: Brand, error: SetupError | None = None) -> Response[bytes]:
    """The page with a look in its fields and in its sample."""
    query = {name: getattr(brand, name) for name in _COLOURS} | {"size": str(brand.size)}
    if brand.is_square:
        query["square"] = "1"
    return here.page(
        "look.html", 200 if error is None else error.status, headers=None, chosen=brand, standard=HYMIO,
        sample=f"{SAMPLE}?{urlencode(query)}", detail=None if error is None else error.public_detail,
        is_saved=error is None and bool(here.request.query_params.get("done")),
    )  # fmt: skip


def _choose(here: Visit, person: SignedIn, fields: dict[str, str]) -> Answer:
    """Saves the look of a form, or only shows it; what is refused comes back with the reason."""
    before = _present(here, person)
    act = fields.get("act", "")
    brand = HYMIO if act == "reset" else _brand(fields, before)
    try:
        check_brand(brand)
        if act == "preview":
            return _page(here, brand)
        manage.set_brand(here.services.store, person.principal, brand, now=here.services.clock())
    except SetupError as error:
        return _page(here, brand, error)
    return here.to(f"{PAGE}?done=1")


def _brand(fields: Mapping[str, str], before: Brand) -> Brand:
    """The look of a form. The logo stays, or is removed; a file for it is given by the command."""
    colours = {name: fields.get(name, "").strip().lower()[:40] for name in _COLOURS}
    size = fields.get("size", "")
    return replace(
        before, **colours, size=int(size) if size.isascii() and size.isdigit() and len(size) < 5 else 0,
        is_square="square" in fields, logo=b"" if "no-logo" in fields else before.logo,
    )  # fmt: skip


def _sample_css(query: Mapping[str, str]) -> str:
    """The rules of the sample for a look; none for one that is refused, so that nothing else gets into them."""
    brand = _brand(query, HYMIO)
    try:
        check_brand(brand)
    except SetupError:
        return ""
    variables = "".join(f"--{name}:{value};" for name, value in brand.variables.items())
    radius = "0" if brand.is_square else "12px"
    return (
        f".sample{{{variables}font-size:{brand.size}%;border-radius:{radius}}}"
        f".sample button{{border-radius:{radius};font-size:inherit}}{_SAMPLE_RULES}"
    )
