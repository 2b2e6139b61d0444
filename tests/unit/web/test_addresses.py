"""Which addresses links may lead to."""

import ipaddress
import socket

import pytest
from aiohttp.abc import AbstractResolver
from hypothesis import given
from hypothesis import strategies as st

from penstock.errors import Unfit
from penstock.web.addresses import PublicResolver, check_link, is_public, shown
from penstock.web.loopback import is_loopback

PRIVATE = (
    "127.0.0.1",
    "10.0.0.1",
    "172.16.5.4",
    "192.168.1.1",
    "169.254.169.254",
    "100.64.0.1",
    "0.0.0.0",
    "224.0.0.1",
    "240.0.0.1",
    "255.255.255.255",
    "::1",
    "::",
    "fe80::1",
    "fe80::1%eth0",
    "fc00::1",
    "fec0::1",
    "ff02::1",
    "::ffff:127.0.0.1",
    "64:ff9b::7f00:1",
    "64:ff9b:1::1",
    "2002:7f00:1::",
    "2001:db8::1",
)
SPELLINGS = (
    "http://127.0.0.1/",
    "http://127.1/",
    "http://2130706433/",
    "http://0x7f000001/",
    "http://0x7f.1/",
    "http://0177.0.0.1/",
    "http://①②⑦.0.0.1/",
    "http://127。0。0。1/",
    "http://127.0.0.1./",
    "http://[::1]/",
    "http://[::ffff:7f00:1]/",
    "http://[64:ff9b::127.0.0.1]/",
    "http://localhost/",
    "http://LOCALHOST:80/",
    "http://files.localhost/",
    "http://localhost./",
)


class Told(AbstractResolver):
    """Finds the addresses it was told."""

    def __init__(self, *addresses):
        self._addresses = addresses

    async def resolve(self, host, port=0, family=socket.AF_INET):
        return [
            {"hostname": host, "host": each, "port": port, "family": family, "proto": 0, "flags": 0}
            for each in self._addresses
        ]

    async def close(self):
        pass


@pytest.mark.parametrize("address", PRIVATE)
def test_addresses_of_private_networks_are_not_public(address):
    assert not is_public(address)


@pytest.mark.parametrize("address", ["8.8.8.8", "2606:4700::1111", "::ffff:8.8.8.8", "64:ff9b::808:808"])
def test_addresses_of_the_internet_are_public(address):
    assert is_public(address)


@pytest.mark.parametrize("link", SPELLINGS)
def test_a_private_address_is_refused_in_every_spelling(link):
    with pytest.raises(Unfit, match="private network"):
        check_link(link)


@given(st.ip_addresses(v=4), st.sampled_from(["{0}", "0x{1:x}", "{1}", "[::ffff:{0}]", "[64:ff9b::{0}]"]))
def test_the_spelling_of_an_address_changes_nothing(address, spelling):
    link = f"http://{spelling.format(address, int(address))}/video.mp4"
    if is_public(str(address)):
        assert check_link(link)
    else:
        with pytest.raises(Unfit):
            check_link(link)


@given(st.ip_addresses(v=4))
def test_what_is_private_to_the_library_is_never_public_here(address):
    assert not (is_public(str(address)) and (address.is_private or address.is_loopback or address.is_link_local))


@pytest.mark.parametrize(
    "link", ["ftp://example.org/a", "file:///etc/passwd", "//example.org/a", "http://", "x", "http://a:0/"]
)
def test_what_is_no_http_address_is_refused(link):
    with pytest.raises(Unfit, match="not an http"):
        check_link(link)


@pytest.mark.parametrize("host", ["a..b.org", f"{'a' * 64}.org", "127..1", "1.2.3.4.5", "[::1%]", "[::1%a%b]"])
@pytest.mark.parametrize("allow_private", [False, True])
def test_a_host_that_nobody_can_look_up_is_refused(host, allow_private):
    with pytest.raises(Unfit, match="not an http"):
        check_link(f"http://{host}/video.mp4", allow_private=allow_private)


def test_a_link_with_a_password_is_refused_without_showing_it():
    with pytest.raises(Unfit, match="holds a name or a password") as caught:
        check_link("https://ann:secret@example.org/video.mp4")
    assert "secret" not in str(caught.value)


def test_private_links_are_followed_where_that_is_allowed():
    assert check_link("http://127.0.0.1:8767/videos/a.mp4", allow_private=True).port == 8767


def test_a_link_is_shown_without_its_query_and_on_one_line():
    assert shown("https://example.org/a\nb.mp4?token=secret#top") == "'https://example.org/a b.mp4'"


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.8.8", "::1", "localhost"])
def test_this_machine_is_known_by_its_names(host):
    assert is_loopback(host)
    assert not is_loopback("example.org")


@pytest.mark.anyio
async def test_a_name_that_stands_for_private_addresses_is_not_connected_to():
    with pytest.raises(Unfit, match=r"rebind\.example is an address of a private network"):
        await PublicResolver(inner=Told("10.0.0.1", "::1")).resolve("rebind.example", 80)


@pytest.mark.anyio
async def test_of_mixed_addresses_the_public_ones_are_connected_to():
    found = await PublicResolver(inner=Told("10.0.0.1", "8.8.8.8")).resolve("both.example", 80)
    assert [ipaddress.ip_address(each["host"]) for each in found] == [ipaddress.ip_address("8.8.8.8")]


@pytest.mark.anyio
async def test_the_machines_own_proxy_may_be_private():
    found = await PublicResolver(trusted=frozenset({"proxy.lan"}), inner=Told("10.0.0.1")).resolve("proxy.lan", 3128)
    assert [each["host"] for each in found] == ["10.0.0.1"]
