"""The routes of published smileys."""

from __future__ import annotations

from typing import Final

from hymio.gateway.digital import looks, messages, page, script
from hymio.gateway.digital.messages import Intake
from hymio.gateway.digital.visitors import VisitorKeys
from hymio.serving.door import Door, Route, Services
from hymio.serving.pace import Pace


def routes(services: Services) -> list[Route]:
    """The handlers of all addresses."""
    intake = Intake(services, VisitorKeys(services.store), Pace(services.settings.web_messages))
    return [messages.route(intake), *page.routes(intake), *script.routes(intake), *looks.routes(intake)]


DOOR: Final = Door("web smileys", routes)
