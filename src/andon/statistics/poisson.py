"""Exact intervals of the rate of rare events, such as changes a week, from their count.

Garwood 1936. scipy is imported where it is used: gateways save its memory.
"""


def rate_interval(count: int, exposure: float, confidence: float = 0.95) -> tuple[float, float]:
    """Compute the exact two-sided interval of a Poisson rate from `count` events in an `exposure` above zero.

    The bounds are quantiles of Gamma(count) and Gamma(count + 1), with `(1 - confidence) / 2` in each tail.
    """
    from scipy.special import gammaincinv

    tail = (1.0 - confidence) / 2
    low = float(gammaincinv(count, tail)) if count else 0.0
    return low / exposure, float(gammaincinv(count + 1, 1.0 - tail)) / exposure
