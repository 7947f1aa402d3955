"""Rows of published smileys, and of what surveys ask for on the web."""

from __future__ import annotations

import json

from hymio.setup import Part
from hymio.smiley import Publication
from hymio.store import schema
from hymio.store.catalog.rows import run
from hymio.store.ledger import Ledger
from hymio.store.setup.content_rows import CONSENT
from hymio.survey import Flow


def upsert_publication(ledger: Ledger, smiley: int, publication: Publication) -> None:
    """Sets how a smiley is open to the web."""
    row = (
        ledger.organization, smiley, publication.token, publication.code, json.dumps(publication.origins),
        publication.answer_interval, int(publication.is_installing), publication.work_bits,
        int(publication.is_withdrawn),
    )  # fmt: skip
    ledger.transaction.insert(
        schema.web_smiley,
        [row],
        """ON CONFLICT (organization_id, smiley_id) DO UPDATE SET token = excluded.token, code = excluded.code,
        origins = excluded.origins, answer_interval = excluded.answer_interval, is_installing = excluded.is_installing,
        work_bits = excluded.work_bits, is_withdrawn = excluded.is_withdrawn""",
    )
    ledger.changed(Part.SMILEY, smiley)


def upsert_flow(ledger: Ledger, flow: Flow) -> None:
    """Sets what a survey asks for; deletes its consent texts, which the caller inserts."""
    locale = None if flow.consent is None else flow.consent.default_locale
    names = json.dumps(flow.metadata)
    ledger.transaction.insert(
        schema.survey_flow,
        [(ledger.organization, flow.survey, int(flow.asks_text), int(flow.asks_contact), names, locale)],
        """ON CONFLICT (organization_id, survey_id) DO UPDATE SET asks_text = excluded.asks_text,
        asks_contact = excluded.asks_contact, metadata = excluded.metadata, consent_locale = excluded.consent_locale""",
    )
    delete = "DELETE FROM localization WHERE organization_id = :o AND kind = :kind AND id = :survey"
    run(ledger, delete, kind=CONSENT, survey=flow.survey)
    ledger.changed(Part.FLOW, flow.survey)
