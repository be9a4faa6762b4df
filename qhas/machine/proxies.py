"""Proxies named by the environment. None of them can reach services on this host's loopback."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, MutableMapping
from importlib.util import find_spec
from urllib.parse import urlsplit

_PROXIES = ("http_proxy", "https_proxy", "all_proxy")
_EXEMPTIONS = ("no_proxy", "NO_PROXY")
LOOPBACK = ("localhost", "127.0.0.1", "::1")


def proxy_of_loopback(environ: Mapping[str, str] = os.environ) -> str | None:
    """Return the variable whose proxy would be used for loopback addresses; None if there is none."""
    name = next(_named(environ), None)
    return name if name and any(_missing(environ, other) for other in _EXEMPTIONS) else None


def unusable_proxies(environ: Mapping[str, str] = os.environ) -> dict[str, str]:
    """Return variables whose proxy makes Prefect's client fail before any request, whatever is exempt, and why."""
    faults = {name: _fault(environ[name]) for name in _named(environ)}
    return {name: fault for name, fault in faults.items() if fault}


def exempt_loopback(environ: MutableMapping[str, str] = os.environ) -> None:
    """Let clients in this environment, ours and those we start, reach loopback without a proxy.

    A proxy that cannot be used is removed from the environment.
    """
    for name in unusable_proxies(environ):
        del environ[name]
    if proxy_of_loopback(environ):
        exempt = {name: [*_exempt(environ, name), *_missing(environ, name)] for name in _EXEMPTIONS}
        environ.update({name: ",".join(hosts) for name, hosts in exempt.items()})


def _named(environ: Mapping[str, str]) -> Iterator[str]:
    """Yield the proxy variables that are set. Python clients read the names in any case, even mixed."""
    for low in _PROXIES:
        yield from (name for name in sorted(environ) if name.lower() == low and environ[name])


def _fault(proxy: str) -> str | None:
    try:
        parts = urlsplit(proxy if "://" in proxy else f"http://{proxy}")
        host, _ = parts.hostname, parts.port
    except ValueError:
        host = None
    if not host:
        return "it is not a valid proxy address"
    if parts.scheme.startswith("socks5") and not find_spec("socksio"):
        return "it is a SOCKS proxy, which needs the package httpx[socks]"
    return None if parts.scheme in ("http", "https", "socks5", "socks5h") else "its scheme is not supported"


def _exempt(environ: Mapping[str, str], name: str) -> list[str]:
    """Return hosts without a proxy, from a variable or another spelling of it: clients differ in which they read."""
    others = [*_EXEMPTIONS, *(other for other in environ if other.lower() == _EXEMPTIONS[0])]
    value = environ.get(name, next((environ[other] for other in others if other in environ), ""))
    return [host for word in value.split(",") if (host := word.strip())]


def _missing(environ: Mapping[str, str], name: str) -> list[str]:
    exempt = _exempt(environ, name)
    return [] if "*" in exempt else [host for host in LOOPBACK if host not in exempt]
