"""Deviations from habit: honest look-alikes (payroll, a large purchase) and fraud (velocity, takeover, mule)."""

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from simulator.columns import Columns, Floats, Ints
from simulator.parameters import Parameters
from simulator.words import FRAUD_WEIGHTS, MOBILE, MULE, PAYROLL, PURCHASE, TAKEOVER, VELOCITY, WEB
from simulator.world import World, at_hour, drawn, strange_device, transfers


def payroll(world: World, days: float, p: Parameters, rng: Generator) -> Columns:
    """Simulate businesses that pay many people within half an hour: honest, but like a velocity attack."""
    owners, begin, hour = _events(world.is_business, p.payroll_rate, days, (8, 18), rng)
    which, offset = _burst(len(owners), p.payroll_size, 900.0, rng)
    columns = transfers(world, owners[which], begin[which] + offset, hour[which], PAYROLL, p, rng)
    columns.amount = rng.lognormal(np.log(1800.0), 0.4, len(which))
    return columns


def purchase(world: World, days: float, p: Parameters, rng: Generator) -> Columns:
    """Simulate people who buy a car: honest, but like a takeover."""
    owners, at, hour = _events(~world.is_mule, p.purchase_rate, days, (8, 23), rng)
    columns = transfers(world, owners, at, hour, PURCHASE, p, rng)
    n = len(owners)
    columns.amount *= rng.uniform(4, 20, n)
    columns.beneficiary_is_new = rng.random(n) < 0.75
    columns.device_trust *= rng.uniform(0.6, 1.0, n)
    return columns


def velocity(world: World, days: float, p: Parameters, rng: Generator) -> Columns:
    """Simulate bursts of medium amounts from stolen credentials; the first of a burst looks almost like habit."""
    owners, begin, hour = _events(~world.is_mule, p.velocity_rate, days, (0, 24), rng)
    which, offset = _burst(len(owners), p.velocity_size, 60 * p.velocity_minutes, rng)
    columns = transfers(world, owners[which], begin[which] + offset, hour[which], VELOCITY, p, rng)
    n = len(which)
    columns.amount = rng.lognormal(np.log(160.0), 0.7, n)
    columns.beneficiary_is_new = rng.random(n) < 0.6
    columns.channel = rng.choice([MOBILE, WEB], n, p=[0.4, 0.6])
    columns.device_trust = _thief_device(n, p, rng)
    return columns


def takeover(world: World, days: float, p: Parameters, rng: Generator) -> Columns:
    """Simulate takeovers: few large transfers, often at night, to new people abroad, from an unknown device."""
    owners, begin, hour = _events(~world.is_mule, p.takeover_rate, days, (0, 24), rng)
    which, offset = _burst(len(owners), p.takeover_size, 1200.0, rng)
    n = len(which)
    night = rng.random(n) < 0.25
    columns = transfers(
        world,
        owners[which],
        begin[which] + offset,
        np.where(night, rng.integers(0, 6, n), hour[which]),
        TAKEOVER,
        p,
        rng,
    )
    columns.amount = columns.amount * rng.uniform(1, 14, n)
    columns.beneficiary_is_new = rng.random(n) < 0.75
    columns.country = np.where(rng.random(n) < 0.25, drawn(FRAUD_WEIGHTS, n, rng), columns.home)
    columns.channel = rng.choice([MOBILE, WEB], n)
    columns.device_trust = _thief_device(n, p, rng)
    return columns


def mule(world: World, days: float, p: Parameters, rng: Generator) -> Columns:
    """Simulate young accounts that pass on stolen money."""
    owners, at, hour = _events(world.is_mule, p.mule_rate, days, (0, 24), rng)
    columns = transfers(world, owners, at, hour, MULE, p, rng)
    n = len(owners)
    columns.amount = rng.lognormal(np.log(500.0), 0.8, n)
    columns.beneficiary_is_new = rng.random(n) < 0.55
    columns.country = np.where(rng.random(n) < 0.25, drawn(FRAUD_WEIGHTS, n, rng), columns.home)
    return columns


def _events(
    may: NDArray[np.bool_], rate: float, days: float, hours: tuple[int, int], rng: Generator
) -> tuple[Ints, Floats, Ints]:
    """Return accounts, moments and hours of independent events among the possible accounts."""
    owners = np.repeat(np.flatnonzero(may), rng.poisson(rate * days, int(may.sum())))
    hour = rng.integers(*hours, len(owners))
    return owners, at_hour(rng.random(len(owners)) * days, hour, days, rng), hour


def _burst(events: int, mean_size: float, mean_seconds: float, rng: Generator) -> tuple[Ints, Floats]:
    """Return, for each transfer of a burst, its event and its seconds after the start of the burst."""
    sizes = 1 + rng.poisson(mean_size - 1, events)
    which = np.repeat(np.arange(events), sizes)
    length = rng.exponential(mean_seconds, events)
    offset = rng.random(len(which)) * length[which]
    return which, offset


def _thief_device(n: int, p: Parameters, rng: Generator) -> Floats:
    """Return readings of a thief's device: strange, unless it imitates the owner's; often none."""
    trust = np.where(rng.random(n) < p.stealth, rng.beta(8, 2, n), strange_device(n, rng))
    return np.where(rng.random(n) < 2 * p.device_unknown, np.nan, trust)
