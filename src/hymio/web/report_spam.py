"""The form under a text of a report, by which a person says that it is spam or that it is not."""

from __future__ import annotations

import asyncio
from typing import Any
from urllib.parse import parse_qsl
from uuid import UUID

from litestar import Request, post
from litestar.handlers import HTTPRouteHandler

from hymio import manage
from hymio.errors import NotFound
from hymio.manage import SignedIn
from hymio.web.cookies import form_of
from hymio.web.people import People, Visit, visit
from hymio.web.report_address import address_of
from hymio.web.sign_in import Answer


def spam_routes(people: People) -> list[HTTPRouteHandler]:
    """The handler of the form."""

    @post("/reports/{node:str}/spam", status_code=303)
    async def spam(request: Request[Any, Any, Any]) -> Answer:
        """Marks a text as spam or not, then shows the report again as it was."""
        here = await asyncio.to_thread(visit, people, request)
        if here.person is None:
            return here.to_sign_in()
        fields = await form_of(request, here.form_secret)
        return await asyncio.to_thread(_mark, here, here.person, fields)

    return [spam]


def _mark(here: Visit, person: SignedIn, fields: dict[str, str]) -> Answer:
    """Marks the text. NotFound for one that does not exist or is outside the scope; Forbidden without permission."""
    try:
        feedback = UUID(fields.get("feedback", ""))
    except ValueError:
        raise NotFound("unknown-address", "There is nothing at this address.") from None
    store, now = here.services.store, here.services.clock()
    manage.mark_spam(store, person.principal, feedback, spam=fields.get("spam") == "yes", now=now)
    node = here.request.path_params["node"]
    words = parse_qsl(fields.get("address", ""))
    return here.to(f"{address_of(int(node) if node.isdecimal() else 0, words)}#texts")
