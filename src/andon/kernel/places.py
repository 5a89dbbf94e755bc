"""Addresses in settings: HTTP urls, and the hosts on which a process listens.

An error never contains the wrong value: somebody may have written a password into it.
"""

import ipaddress
import re
from typing import Annotated, TypeAlias
from urllib.parse import urlsplit

from pydantic import AfterValidator

_NAME = re.compile(r"[\w.-]+")
_SPACE = re.compile(r"\s")


def is_address(url: str, schemes: tuple[str, ...]) -> bool:
    """Return whether a url has one of these schemes, a host, and no impossible port."""
    try:
        parts = urlsplit(url)
        return parts.scheme in schemes and bool(parts.hostname) and parts.port != 0 and not _SPACE.search(url)
    except ValueError:
        return False


def _of_http(url: str) -> str:
    if not is_address(url, ("http", "https")):
        raise ValueError("expected http://HOST or https://HOST")
    return url


def _to_listen_on(host: str) -> str:
    if not _NAME.fullmatch(host) and not _is_ip(host):
        raise ValueError("expected an IP address or a name to listen on, such as 127.0.0.1")
    return host


def _is_ip(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


HttpAddress: TypeAlias = Annotated[str, AfterValidator(_of_http)]
"""An HTTP or HTTPS url."""

Host: TypeAlias = Annotated[str, AfterValidator(_to_listen_on)]
"""An IP address or a name of this machine."""
