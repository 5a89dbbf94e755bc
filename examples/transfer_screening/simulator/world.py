"""The accounts and their habits, drawn once; and the transfers that follow from a habit."""

from dataclasses import dataclass

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from simulator.columns import Columns, Floats, Ints
from simulator.parameters import Parameters
from simulator.words import ABROAD_WEIGHTS, API, BRANCH, COUNTRIES, HABIT, HOME_WEIGHTS

DAY = 86_400.0


@dataclass(frozen=True, slots=True)
class World:
    """One row per account."""

    rate: Floats
    usual_amount: Floats
    home: Ints
    favourite: Ints
    age_days: Floats
    is_business: NDArray[np.bool_]
    is_mule: NDArray[np.bool_]


def populate(accounts: int, p: Parameters, rng: Generator) -> World:
    """Draw `accounts` accounts."""
    is_mule = rng.random(accounts) < p.mule
    is_business = (rng.random(accounts) < p.business) & ~is_mule
    age = np.where(is_mule, rng.exponential(p.mule_age_days, accounts), rng.exponential(p.age_mean_days, accounts))
    favourite = rng.choice(4, accounts, p=[0.6, 0.3, 0.08, 0.02])
    return World(
        rate=p.rate_median * np.exp(p.rate_spread * rng.standard_normal(accounts)),
        usual_amount=p.amount_median
        * np.exp(p.amount_spread * rng.standard_normal(accounts))
        * np.where(is_business, 6.0, 1.0),
        home=drawn(HOME_WEIGHTS, accounts, rng),
        favourite=np.where(is_business, API, favourite),
        age_days=np.floor(age),
        is_business=is_business,
        is_mule=is_mule,
    )


def habits(world: World, days: float, p: Parameters, rng: Generator) -> Columns:
    """Return the ordinary transfers of all accounts in `days` days."""
    owners = np.repeat(np.arange(len(world.rate)), rng.poisson(world.rate * days))
    n = len(owners)
    hour = np.where(rng.random(n) < p.night, rng.integers(0, 6, n), _daytime(n, rng))
    at = at_hour(rng.random(n) * days, hour, days, rng)
    return transfers(world, owners, at, hour, HABIT, p, rng)


def transfers(
    world: World, owners: Ints, at: Floats, hour: Ints, scenario: int, p: Parameters, rng: Generator
) -> Columns:
    """Return transfers of `owners` at the given times by their habits; a scenario then changes what is unusual."""
    n = len(owners)
    home = world.home[owners]
    channel = np.where(rng.random(n) < p.favourite_channel, world.favourite[owners], rng.integers(0, 4, n))
    trust = np.where(rng.random(n) < p.new_device, strange_device(n, rng), rng.beta(8, 2, n))
    trust = np.where(rng.random(n) < p.device_unknown, np.nan, trust)
    return Columns(
        at=at,
        account=owners,
        age_days=world.age_days[owners] + np.floor(at / DAY),
        home=home,
        country=np.where(rng.random(n) < p.abroad, drawn(ABROAD_WEIGHTS, n, rng), home),
        channel=channel,
        amount=world.usual_amount[owners] * np.exp(p.amount_within * rng.standard_normal(n)),
        hour=hour,
        beneficiary_is_new=rng.random(n) < p.new_beneficiary,
        device_trust=np.where(np.isin(channel, (BRANCH, API)), np.nan, trust),
        scenario=np.full(n, scenario),
    )


def at_hour(day: Floats, hour: Ints, days: float, rng: Generator) -> Floats:
    """Return seconds after the start for a moment in `hour` of a day. Runs shorter than a day ignore the hour."""
    if days < 1:
        return day * DAY
    return (np.floor(day) + (hour + rng.random(len(hour))) / 24) * DAY


def strange_device(n: int, rng: Generator) -> Floats:
    """Return readings of a device that is not known to be the owner's."""
    return rng.beta(3, 3.5, n)


def drawn(weights: tuple[float, ...], n: int, rng: Generator) -> Ints:
    """Draw `n` countries by weight."""
    return rng.choice(len(COUNTRIES), n, p=np.array(weights) / sum(weights))


def _daytime(n: int, rng: Generator) -> Ints:
    return np.clip(np.round(rng.normal(14.0, 4.0, n)), 6, 23).astype(np.int64)
