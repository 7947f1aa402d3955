"""The addresses of published smileys, at which an ADMIN publishes them, sees them live and takes their handouts."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, Final

from litestar import Request, get, post
from litestar.handlers import HTTPRouteHandler

from hymio.manage import SignedIn
from hymio.web.cookies import form_of
from hymio.web.people import People, Visit, visit
from hymio.web.sign_in import Answer
from hymio.web.smiley_files import file_answer
from hymio.web.smiley_forms import change
from hymio.web.smiley_list import list_page, publish
from hymio.web.smiley_page import smiley_page

LIST: Final = "/smileys"
PAGE: Final = "/smileys/{smiley:str}"
FILE: Final = "/smileys/{smiley:str}/{name:str}"

_Show = Callable[[Visit, SignedIn], Answer]
_Act = Callable[[Visit, SignedIn, dict[str, str]], Answer]
_Asked = Request[Any, Any, Any]


def routes(people: People) -> list[HTTPRouteHandler]:
    """The handlers of the list, of the page of a smiley, and of its files and forms."""

    def shown(request: _Asked, show: _Show) -> Answer:
        """What is shown to whoever is signed in; others sign in first."""
        here = visit(people, request)
        return here.to_sign_in() if here.person is None else show(here, here.person)

    async def acted(request: _Asked, act: _Act) -> Answer:
        """Does what a form asks for; a browser whose session ended signs in first."""
        here = await asyncio.to_thread(visit, people, request)
        if here.person is None:
            return here.to_sign_in()
        return await asyncio.to_thread(act, here, here.person, await form_of(request, here.form_secret))

    @get(LIST, sync_to_thread=True)
    def smileys(request: _Asked) -> Answer:
        """The list."""
        return shown(request, list_page)

    @get(PAGE, sync_to_thread=True)
    def smiley(request: _Asked) -> Answer:
        """The page of a published smiley."""
        return shown(request, smiley_page)

    @get(FILE, sync_to_thread=True)
    def file(request: _Asked) -> Answer:
        """A QR code, a poster, the e-mail as it looks, or the latest presses."""
        return shown(request, file_answer)

    @post(LIST, status_code=200)
    async def publish_one(request: _Asked) -> Answer:
        """Publishes a smiley, a new one unless the form names one."""
        return await acted(request, publish)

    @post(FILE, status_code=200)
    async def change_one(request: _Asked) -> Answer:
        """Changes how a smiley is published, or what its survey asks for."""
        return await acted(request, change)

    return [smileys, smiley, file, publish_one, change_one]
