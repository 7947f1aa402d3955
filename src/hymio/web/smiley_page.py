"""The page of a published smiley: as visitors see it, its latest presses, and everything that shows it elsewhere."""

from __future__ import annotations

from typing import Final

from litestar import Response

from hymio.access import Principal
from hymio.errors import HymioError, Phrase, SetupError
from hymio.handouts import addresses
from hymio.handouts.mail import EXAMPLE_FIELD, MERGE_FIELDS, mail_html
from hymio.handouts.offer import Offer, publication_of
from hymio.handouts.poster import Paper
from hymio.manage import SignedIn
from hymio.survey import Flow
from hymio.web.page import WITH_SCRIPTS
from hymio.web.people import Visit
from hymio.web.smiley_asked import admin, base_url, locale_of, offer_of, place_of, smiley_of
from hymio.web.smiley_presses import presses_of

PAPERS: Final = {
    Paper.A3: "A3", Paper.A4: "A4", Paper.A5: "A5",
    Paper.TENT: Phrase("Table tent (A4, to be folded)"),
}  # fmt: skip
_DONE: Final = {
    "published": Phrase("The smiley is published. Its presses are tests until you say that they count."),
    "again": Phrase("The smiley is published again, at the same addresses."),
    "settings": Phrase("Saved."),
    "flow": Phrase("What is asked for is saved."),
    "withdraw": Phrase("The smiley is withdrawn: its addresses show nothing until you publish it again."),
    "renew": Phrase("The smiley has new addresses. Replace its tags, posters and e-mails."),
}
_HEADERS: Final = {"Content-Security-Policy": f"{WITH_SCRIPTS['Content-Security-Policy']}; frame-src 'self'"}
"""The page frames that of the smiley and its e-mail, and has scripts that copy and that renew the latest presses."""

_MAX_FIELD: Final = 100


def smiley_page(here: Visit, person: SignedIn, error: HymioError | None = None) -> Response[bytes]:
    """The page of a smiley. NotFound outside the scope; Forbidden without the permission to change smileys."""
    principal, number, now = admin(person), smiley_of(here), here.services.clock()
    layout = here.services.store.layout(principal.organization)
    publication, placement = publication_of(layout, principal, number, now), layout.placement(number, now)
    shown, base = offer_of(here, principal, number), base_url(here)
    locale, flow = locale_of(here, shown), flow_of(here, principal, number)
    field = here.request.query_params.get("field", EXAMPLE_FIELD)[:_MAX_FIELD]
    mail, wrong_field = _mail(shown, field, locale)
    error = error or wrong_field
    question = "?" if shown is None else shown.wording.texts[locale]
    done = here.request.query_params.get("done", "")
    return here.page(
        "smiley.html", 200 if error is None else error.status, headers=_HEADERS, smiley=layout.smileys[number],
        publication=publication, offer=shown, mail=mail, field=field, fields=MERGE_FIELDS, locale=locale,
        papers=PAPERS, flow=flow, place=place_of(layout.hierarchy, principal, placement),
        link=addresses.page_address(base, publication), tag=addresses.tag(base, publication, question),
        published_tag=addresses.published_tag(base, publication, locale), presses=presses_of(here, principal, number),
        may_ask=flow is not None and principal.reaches_all(layout.hierarchy),
        locales=() if shown is None else tuple(shown.wording.texts),
        detail=None if error is None else error.public_detail, done=None if error else _DONE.get(done),
    )  # fmt: skip


def _mail(shown: Offer | None, field: str, locale: str) -> tuple[str, SetupError | None]:
    """The HTML of the e-mail's buttons, empty with the error where the merge field is none."""
    if shown is None:
        return "", None
    try:
        return mail_html(shown, field, locale), None
    except SetupError as error:
        return "", error


def flow_of(here: Visit, principal: Principal, smiley: int) -> Flow | None:
    """What the survey asks for that the smiley shows now, None without one."""
    store, now = here.services.store, here.services.clock()
    resolved = store.layout(principal.organization).resolve(smiley, now)
    assignment = getattr(resolved, "assignment", None)
    return None if assignment is None else store.content(principal.organization).flow(assignment.survey)
