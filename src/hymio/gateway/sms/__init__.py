"""The addresses at which SMS gateways deliver terminals' messages, an adapter for each (docs/terminal-protocol.md).

An adapter is pure: it reads a request as a text message and checks its signature. `webhook` is the HTTP around it.
"""

from hymio.gateway.sms.webhook import DOOR, KANNEL_PATH, PATH

__all__ = ["DOOR", "KANNEL_PATH", "PATH"]
