"""Network zones: where a request came from, by the peer's address and what trusted proxies say."""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence

from hub.query.plancache import BoundedStore
from hub.settings.declared import Zone

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
_Network = ipaddress.IPv4Network | ipaddress.IPv6Network
_KEPT = 4_096
_LONGEST = 512
"""Of `X-Forwarded-For`, whose end is what proxies of ours wrote."""


class _Nowhere:
    """The zone of an address that lies in none: kept like the others."""

    name: None = None


_NOWHERE = _Nowhere()


class Zones:
    """Looks zones up. Shape: `zones` and `proxies` hold networks that settings have checked."""

    def __init__(self, zones: Sequence[Zone], proxies: Sequence[str]) -> None:
        held = [(ipaddress.ip_network(text), zone) for zone in zones for text in zone.networks]
        # of the networks that hold an address the narrowest counts, whatever their order
        self._networks = sorted(held, key=lambda one: -one[0].prefixlen)
        self._proxies = tuple(ipaddress.ip_network(text) for text in proxies)
        self._known: BoundedStore[tuple[str, bytes | None], Zone | _Nowhere] = BoundedStore(_KEPT)

    def find(self, client: Sequence[object] | None, forwarded: bytes | None) -> str | None:
        """The zone's name, ``None`` if it is not known.

        `client` is the peer as the server saw it (host, port); `forwarded` is
        ``X-Forwarded-For``, which counts from trusted proxies alone.
        """
        if not client or not isinstance(client[0], str):
            return None
        tail = forwarded
        if tail is not None and len(tail) > _LONGEST:
            # what was cut in two is no address any more
            tail = b"?" + tail[-_LONGEST:]
        key = (client[0], tail)
        found = self._known.get(key)
        if found is None:
            found = self._zone(_origin(client[0], tail, self._proxies))
            self._known.put(key, found)
        return found.name

    def _zone(self, address: Address | None) -> Zone | _Nowhere:
        if address is not None:
            for network, zone in self._networks:
                if address in network:
                    return zone
        return _NOWHERE


def _origin(peer: str, forwarded: bytes | None, proxies: Sequence[_Network]) -> Address | None:
    """The nearest address that is no proxy of ours; what lies behind it may say anything.

    A trusted proxy's own address places nobody: one that does not say for whom it asks could be
    asking for anybody.
    """
    address = _address(peer)
    hops = [] if forwarded is None else forwarded.split(b",")
    while address is not None and any(address in network for network in proxies):
        # fails closed: what is no address, and a list that ends too soon, is no known zone
        address = _address(hops.pop().strip(b" \t").decode("latin-1")) if hops else None
    return address


def _address(text: str) -> Address | None:
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return None
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
        return address.ipv4_mapped
    return address
