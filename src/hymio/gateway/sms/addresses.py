"""The addresses of SMS gateways, and the adapter at each."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from hymio.access import SmsGateway
from hymio.gateway.sms import android, generic, kannel, twilio, vonage
from hymio.gateway.sms.request import Adapter

PATH: Final = "/sms"
KANNEL_PATH: Final = f"{PATH}/{SmsGateway.KANNEL.value}"

ADAPTERS: Final[Mapping[SmsGateway, Adapter]] = {
    adapter.gateway: adapter
    for adapter in (generic.ADAPTER, kannel.ADAPTER, twilio.ADAPTER, vonage.ADAPTER, android.ADAPTER)
}


def path_of(gateway: SmsGateway, organization: int) -> str:
    """The path of a gateway; one that signs names its organization, as the signature does not."""
    if gateway is SmsGateway.GENERIC:
        return PATH
    return f"{PATH}/{gateway.value}/{organization}" if gateway.signs else f"{PATH}/{gateway.value}"


def gateway_at(path: str, organization: int) -> SmsGateway | None:
    """The gateway of an organization at a path; None where there is none."""
    return next((gateway for gateway in SmsGateway if path_of(gateway, organization) == path), None)
