"""Proxies that the environment names. None of them reaches what listens on this host's loopback."""

from __future__ import annotations

import os
from collections.abc import Mapping, MutableMapping

_PROXIES = ("http_proxy", "https_proxy", "all_proxy")
_EXEMPTIONS = ("no_proxy", "NO_PROXY")
LOOPBACK = ("localhost", "127.0.0.1", "::1")


def proxy_of_loopback(environ: Mapping[str, str] = os.environ) -> str | None:
    """The variable whose proxy would be asked for addresses on loopback; None if there is none."""
    # Clients of Python read every spelling of the names, also a mixed one.
    names = [name for low in _PROXIES for name in sorted(environ) if name.lower() == low and environ[name]]
    return names[0] if names and any(_missing(environ, name) for name in _EXEMPTIONS) else None


def exempt_loopback(environ: MutableMapping[str, str] = os.environ) -> None:
    """Let clients in this environment, ours and those we start, reach loopback without a proxy."""
    if proxy_of_loopback(environ):
        exempt = {name: [*_exempt(environ, name), *_missing(environ, name)] for name in _EXEMPTIONS}
        environ.update({name: ",".join(hosts) for name, hosts in exempt.items()})


def _exempt(environ: Mapping[str, str], name: str) -> list[str]:
    """Hosts without a proxy, by a variable or by another spelling of it: clients differ in which they read."""
    others = [*_EXEMPTIONS, *(other for other in environ if other.lower() == _EXEMPTIONS[0])]
    value = environ.get(name, next((environ[other] for other in others if other in environ), ""))
    return [host for word in value.split(",") if (host := word.strip())]


def _missing(environ: Mapping[str, str], name: str) -> list[str]:
    exempt = _exempt(environ, name)
    return [] if "*" in exempt else [host for host in LOOPBACK if host not in exempt]
