"""The addresses at which SMS gateways deliver terminals' messages, an adapter for each (docs/terminal-protocol.md).

An adapter is pure: it reads a request as a text message and checks its signature. `webhook` is the HTTP around it.
"""

from hymio.gateway.sms.addresses import KANNEL_PATH, PATH, path_of
from hymio.gateway.sms.sample import check_sample
from hymio.gateway.sms.webhook import DOOR

__all__ = ["DOOR", "KANNEL_PATH", "PATH", "check_sample", "path_of"]
