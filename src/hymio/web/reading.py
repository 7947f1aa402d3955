"""Pages and files made of results: in a reader's turn, so that a core and threads are left to presses."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from litestar import Request, Response
from litestar.concurrency import sync_to_thread

from hymio.serving.door import Services
from hymio.serving.turns import owner_of
from hymio.web.sign_in import Answer
from hymio.web.unchanged import Making


async def read_in_turn(
    services: Services, request: Request[Any, Any, Any], begin: Callable[[], Answer | Making]
) -> Answer:  # fmt: skip
    """What `begin` answers; if it gives what makes the answer, that is called in a reader's turn. Unavailable."""
    answer = await sync_to_thread(begin)
    if isinstance(answer, Response):
        return answer
    async with services.reading.turn(owner_of(request)):
        return await sync_to_thread(answer)
