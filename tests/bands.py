"""A plain definition of the band of a time, into which `andon.live` counts many in one operation."""

from math import log

from andon.decisions import LATENCY_BAND


def band_of(seconds: float) -> int:
    """Return the band: n holds times from LATENCY_BAND**n to LATENCY_BAND**(n+1) µs; less than 1 µs counts as one."""
    return int(log(max(seconds * 1e6, 1.0)) * (1 / log(LATENCY_BAND)))
