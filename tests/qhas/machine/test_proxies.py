"""Loopback is reached without the proxies that the environment names."""

from __future__ import annotations

import pytest

from qhas.machine.proxies import exempt_loopback, proxy_of_loopback

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
