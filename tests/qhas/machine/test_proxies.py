"""Loopback is reached without the proxies that the environment names."""

from __future__ import annotations

import httpx
import pytest

from qhas.machine.proxies import exempt_loopback, proxy_of_loopback, unusable_proxies

PROXY = "http://proxy.example:3128"


@pytest.mark.parametrize(
    "variable",
    ["HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy", "Http_Proxy"],
)
def test_whatever_names_a_proxy_loopback_is_exempt_afterwards(variable: str) -> None:
    environ = {variable: PROXY}
    assert proxy_of_loopback(environ) == variable
    exempt_loopback(environ)
    assert proxy_of_loopback(environ) is None
    assert environ == {
        variable: PROXY,
        "no_proxy": "localhost,127.0.0.1,::1",
        "NO_PROXY": "localhost,127.0.0.1,::1",
    }


@pytest.mark.parametrize("spelling", ["no_proxy", "NO_PROXY", "No_Proxy"])
def test_hosts_that_were_exempt_stay_so_in_both_spellings(spelling: str) -> None:
    environ = {"HTTP_PROXY": PROXY, spelling: "lab.example, 127.0.0.1"}
    exempt_loopback(environ)
    assert environ["NO_PROXY"] == environ["no_proxy"] == "lab.example,127.0.0.1,localhost,::1"


@pytest.mark.parametrize(
    "environ", [{}, {"HTTP_PROXY": ""}, {"HTTP_PROXY": PROXY, "NO_PROXY": "*"}, {"NO_PROXY": "lab.example"}]
)
def test_where_nothing_is_in_the_way_nothing_is_changed(environ: dict[str, str]) -> None:
    before = dict(environ)
    exempt_loopback(environ)
    assert environ == before


@pytest.mark.parametrize(
    "proxy",
    [
        "socks5://proxy.example:1080",
        "socks4://proxy.example",
        "proxy:port",
        "http://[::1",
        "http://",
        "ftp://proxy",
    ],
)
@pytest.mark.parametrize("variable", ["ALL_PROXY", "http_proxy", "Https_Proxy"])
def test_a_proxy_that_ends_every_client_is_named_and_left_out(
    proxy: str, variable: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("qhas.machine.proxies.find_spec", lambda _: None)
    environ = {variable: proxy}
    assert list(unusable_proxies(environ)) == [variable]
    exempt_loopback(environ)
    assert environ == {}


def test_what_is_left_is_what_prefects_client_begins_with(monkeypatch: pytest.MonkeyPatch) -> None:
    for variable, proxy in (
        ("ALL_PROXY", "socks5://127.0.0.1:1"),
        ("http_proxy", "a:b:c"),
        ("HTTPS_PROXY", "p:1"),
    ):
        monkeypatch.setenv(variable, proxy)
    with pytest.raises((ImportError, httpx.InvalidURL)):
        httpx.Client()
    exempt_loopback()
    httpx.Client().close()


def test_a_socks_proxy_is_used_where_the_client_can(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("qhas.machine.proxies.find_spec", lambda name: name)
    assert unusable_proxies({"all_proxy": "socks5h://proxy.example"}) == {}
