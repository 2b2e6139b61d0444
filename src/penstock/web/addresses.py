"""Tells addresses that anybody may reach from those of one's own network, which a stranger's link must not reach.

A link in a table is a stranger's text. Followed blindly it could read what only this machine can see: a router's page,
a cloud's metadata service, a database without a password. So links are checked twice: their host as it is written, in
the spelling that the HTTP client will use, and the addresses that its name stands for, at the moment of connecting. A
name that changes its address in between gains nothing: what was checked is what is connected to.

Source: https://www.iana.org/assignments/iana-ipv4-special-registry and its IPv6 sibling; RFC 6052 (NAT64), RFC 3056.
"""

from __future__ import annotations

import ipaddress
import socket
from contextlib import suppress
from typing import TYPE_CHECKING

from aiohttp.abc import AbstractResolver
from aiohttp.resolver import ThreadedResolver
from yarl import URL

from penstock.errors import Unfit

if TYPE_CHECKING:
    from aiohttp.abc import ResolveResult

_Address = ipaddress.IPv4Address | ipaddress.IPv6Address

_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
_NAT64_LOCAL = ipaddress.IPv6Network("64:ff9b:1::/48")


def is_public(address: str) -> bool:
    """Whether an IP address is one that anybody on the internet may reach; what is no address is not."""
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return False
    return _is_public(found)


def check_link(link: str, *, allow_private: bool = False) -> URL:
    """Read a link as the HTTP client will, and refuse what must not be followed.

    Raises:
        Unfit: It is no http(s) address, holds a password, or names an address of one's own network.
    """
    try:
        url = URL(link)
        host, port = url.raw_host, url.port
    except ValueError:
        host = port = url = None
    if url is None or url.scheme not in {"http", "https"} or not host or not port or not _is_host(host):
        raise Unfit(f"{shown(link)} is not an http(s) address")
    if url.user is not None or url.password is not None:
        raise Unfit(f"the link to {host} holds a name or a password; give a link without them")
    if not allow_private and (host.rstrip(".").endswith("localhost") or not _may_be_public(host)):
        raise refusal(host)
    return url


def refusal(host: str) -> Unfit:
    """Say that a host is not followed to."""
    return Unfit(f"{host} is an address of a private network, which links must not reach")


def shown(link: str) -> str:
    """Write a link for a message: short, on one line, without its query, which may hold a key."""
    plain = "".join(each if each.isprintable() else " " for each in link.partition("?")[0].partition("#")[0])
    _, mark, after = plain.partition("@")
    return repr(plain[:120] if not mark else f"...@{after[:120]}")


class PublicResolver(AbstractResolver):
    """Finds the addresses of hosts, and leaves out those of private networks."""

    def __init__(self, *, trusted: frozenset[str] = frozenset(), inner: AbstractResolver | None = None) -> None:
        """Wrap the system's way of finding addresses.

        Args:
            trusted: Hosts that may be private: the proxies of this machine.
            inner: Finds the addresses.
        """
        self._trusted = trusted
        self._inner = inner

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        """Find the public addresses of a host.

        Raises:
            Unfit: It has addresses, and none of them is public.
            OSError: It has none.
        """
        if self._inner is None:
            self._inner = ThreadedResolver()
        found = await self._inner.resolve(host, port, family)
        public = [each for each in found if host in self._trusted or is_public(each["host"])]
        if found and not public:
            raise refusal(host)
        return public

    async def close(self) -> None:
        """Let go of the resolver."""
        if self._inner is not None:
            await self._inner.close()


def _is_host(host: str) -> bool:
    """Whether a host is spelled like one: over others the HTTP client and the system's look-up stumble.

    What the client takes for an address is never looked up, so it must be one that can be read here.
    """
    try:
        host.encode("idna")  # labels of 1 to 63 characters
        if ":" in host:
            ipaddress.ip_address(host)
        elif host.replace(".", "").isdigit():
            socket.inet_aton(host.rstrip("."))
    except (ValueError, OSError):
        return False
    return True


def _may_be_public(host: str) -> bool:
    """Whether a host is a name, which is looked up later, or a public address in any spelling."""
    with suppress(ValueError):
        return _is_public(ipaddress.ip_address(host))
    with suppress(OSError, UnicodeError):  # 127.1, 0x7f000001, 017700000001: what the system reads as an address
        return _is_public(ipaddress.ip_address(socket.inet_aton(host.rstrip("."))))
    return True


def _is_public(address: _Address) -> bool:
    if isinstance(address, ipaddress.IPv6Address):
        inner = _within(address)
        if inner is not None:
            return _is_public(inner)
        if address in _NAT64_LOCAL or address.is_site_local:
            return False
    return address.is_global and not (
        address.is_multicast or address.is_reserved or address.is_private or address.is_link_local
    )


def _within(address: ipaddress.IPv6Address) -> ipaddress.IPv4Address | None:
    """The IPv4 address that an IPv6 address stands for, where it does."""
    if address.ipv4_mapped is not None:
        return address.ipv4_mapped
    if address in _NAT64:
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    if address.sixtofour is not None:
        return address.sixtofour
    return address.teredo[1] if address.teredo is not None else None
