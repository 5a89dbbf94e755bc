"""Headers for the priority of a request, the time its caller waits, and the version that it asks for."""

import re
from collections.abc import Mapping

from andon.access import Permission, Principal
from andon.decisions import Priority
from andon.gateway.errors import HeaderInvalid

TIMEOUT = "x-request-timeout"

_URGENCY = re.compile(r"(?<![^,\s])u=([0-7])(?![^,;\s])")
_SECONDS = re.compile(r"^[0-9]{1,6}(?:\.[0-9]{1,6})?\Z")
_NUMBER = re.compile(r"^[1-9][0-9]{0,8}\Z")

_BY_URGENCY = (
    Priority.INTERACTIVE,
    Priority.INTERACTIVE,
    Priority.INTERACTIVE,
    Priority.INTERACTIVE,
    Priority.NORMAL,
    Priority.NORMAL,
    Priority.BULK,
    Priority.BULK,
)


def priority_of(headers: Mapping[str, str]) -> Priority:
    """Return the class of `Priority: u=0..7` (RFC 9218): 0 to 3 (default) interactive; 4, 5 normal; 6, 7 bulk."""
    given = headers.get("priority")
    if given is None:
        return Priority.INTERACTIVE
    found = _URGENCY.findall(given)
    return _BY_URGENCY[int(found[-1]) if found else 3]


def deadline_of(headers: Mapping[str, str], began_ns: int, usual: float) -> int:
    """Return when the caller stops waiting, in nanoseconds on the clock of `began_ns`.

    That is after `X-Request-Timeout` seconds, or after `usual` seconds without the header. Raises HeaderInvalid.
    """
    given = headers.get(TIMEOUT)
    if given is None:
        return began_ns + int(usual * 1e9)
    if not _SECONDS.match(given) or float(given) <= 0:
        raise HeaderInvalid("X-Request-Timeout: expected seconds above 0, such as 0.25 or 5")
    return began_ns + int(float(given) * 1e9)


def pinned_by(headers: Mapping[str, str], caller: Principal, automation: str) -> int | None:
    """Return the model version that `Andon-Model-Version` names, if any. Raises HeaderInvalid, Forbidden."""
    given = headers.get("andon-model-version")
    if given is None:
        return None
    if not _NUMBER.match(given):
        raise HeaderInvalid("Andon-Model-Version: expected the number of a version, such as 3")
    caller.require(Permission.PIN_VERSION, automation)
    return int(given)
