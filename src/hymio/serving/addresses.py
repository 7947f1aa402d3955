"""Client addresses: who sent a request through which proxy, what a bound counts as one client, and what a log shows."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

from hymio.settings import networks_in

_REMEMBERED = 4_096
"""Addresses whose forms are remembered."""

_CLIENT_PREFIX = {4: 32, 6: 64}
"""Length of the network prefix that belongs to one client: of IPv6 a whole /64 does (RFC 6177)."""

_SHOWN_PREFIX = {4: 24, 6: 48}
"""Length of the prefix that a shortened address shows."""


class TrustedProxies:
    """The proxies whose header X-Forwarded-For says who the client is."""

    def __init__(self, setting: str) -> None:
        """`setting` are addresses and networks, separated by commas."""
        self._networks = networks_in(setting)
        self.holds = lru_cache(_REMEMBERED)(self._holds)

    def _holds(self, host: str) -> bool:
        """Whether a host is one of the proxies."""
        address = _parsed(host)
        return address is not None and any(
            address.version == network.version and address in network for network in self._networks
        )

    def client_of(self, peer: str, forwarded: Iterable[str]) -> str:
        """The client of a request that came from the proxy `peer`; `forwarded` are the values of X-Forwarded-For.

        Each proxy appends the address that it was connected from, so the last one that is no trusted proxy is the
        client; what stands before it anybody may have written.
        """
        client = peer
        for part in reversed(",".join(forwarded).split(",")):
            host = _without_port(part.strip())
            if _parsed(host) is None:
                break
            client = host
            if not self.holds(host):
                break
        return client


@lru_cache(_REMEMBERED)
def client_key(host: str) -> str:
    """What bounds count as one client: an IPv4 address, the /64 of an IPv6 address, or the host if it is neither."""
    return _prefix(host, _CLIENT_PREFIX) or host


@lru_cache(_REMEMBERED)
def shortened(host: str) -> str:
    """The /24 of an IPv4 address, the /48 of an IPv6 address; nothing of anything else."""
    return _prefix(host, _SHOWN_PREFIX)


_SECRET_PATHS = ("/shared/",)
"""Paths that end in a secret."""


def shown_path(path: str) -> str:
    """A path as a log shows it: without the secret of a shared link."""
    return next((f"{start}…" for start in _SECRET_PATHS if path.startswith(start)), path)


def shown(host: str, form: str) -> str | None:
    """An address as the setting `log_address` wants it in the log: full, shortened or none."""
    if form == "none":
        return None
    return host if form == "full" else shortened(host)


def _prefix(host: str, lengths: dict[int, int]) -> str:
    """The network of an address, as text, without its length where that is a whole address; empty if it is none."""
    address = _parsed(host)
    if address is None:
        return ""
    length = lengths[address.version]
    return str(address) if length == address.max_prefixlen else str(ip_network(f"{address}/{length}", strict=False))


def _parsed(host: str) -> IPv4Address | IPv6Address | None:
    """The address that a text is; of an IPv4 address written as IPv6, the IPv4 address. None if it is none."""
    try:
        address = ip_address(host.partition("%")[0])
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return mapped or address


def _without_port(text: str) -> str:
    """An address without brackets and port: `192.0.2.1:80`, `[2001:db8::1]:80`."""
    if text.startswith("["):
        return text[1:].partition("]")[0]
    return text.partition(":")[0] if text.count(":") == 1 else text
