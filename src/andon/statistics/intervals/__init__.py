"""Intervals for one look: shares, their differences, rates, medians and means. Everything that shows one takes it here.

An interval that holds at every look is part of its test: `rate_ratio_sequences`, `mean_differences`,
`quantile_sequences`, `betting`. scipy is imported where it is used: gateways save its memory.
"""

from andon.statistics.intervals.counts import median_interval, median_of, rate_interval
from andon.statistics.intervals.means import mean_interval
from andon.statistics.intervals.shares import (
    Stratum,
    difference_interval,
    lower_bound,
    share_interval,
    stratified_share,
    upper_bound,
    wilson,
)
from andon.statistics.intervals.weighted import LabelEstimate, WeightedSums, weighted_mean, weighted_share

__all__ = [
    "LabelEstimate",
    "Stratum",
    "WeightedSums",
    "difference_interval",
    "lower_bound",
    "mean_interval",
    "median_interval",
    "median_of",
    "rate_interval",
    "share_interval",
    "stratified_share",
    "upper_bound",
    "weighted_mean",
    "weighted_share",
    "wilson",
]
