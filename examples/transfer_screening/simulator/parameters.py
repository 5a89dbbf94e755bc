"""Every number of the simulated bank. README.md has the same table; a test keeps the two in sync."""

from dataclasses import dataclass, field


def _p(default: float, meaning: str) -> float:
    value: float = field(default=default, metadata={"meaning": meaning})
    return value


@dataclass(frozen=True, slots=True)
class Parameters:
    """Rates are per account and day, shares lie between 0 and 1, amounts are in the account's currency."""

    # Habits
    rate_median: float = _p(0.5, "Transfers an ordinary account makes in a day: the median")
    rate_spread: float = _p(0.7, "Spread of that rate between accounts (sigma of its logarithm)")
    amount_median: float = _p(80.0, "What a middling account usually transfers")
    amount_spread: float = _p(0.9, "Spread of the usual amount between accounts (sigma of its logarithm)")
    amount_within: float = _p(0.7, "Spread of amounts within one account (sigma of their logarithm)")
    age_mean_days: float = _p(1500.0, "Mean age of an account in days (exponential)")
    new_beneficiary: float = _p(0.12, "Share of ordinary transfers to somebody new")
    abroad: float = _p(0.05, "Share of ordinary transfers to another country")
    favourite_channel: float = _p(0.85, "Share of transfers by the account's favourite channel")
    device_unknown: float = _p(
        0.1, "Share of mobile and web transfers without a device reading (twice that of fraudulent ones)"
    )
    new_device: float = _p(0.08, "Share of mobile and web transfers from a device the bank has hardly seen")
    night: float = _p(0.04, "Share of ordinary transfers between 0 and 6 o'clock")
    # Honest look-alikes
    business: float = _p(0.02, "Share of accounts that are businesses")
    payroll_rate: float = _p(0.08, "Payroll runs of a business in a day")
    payroll_size: float = _p(9.0, "Transfers in a payroll run: the mean")
    purchase_rate: float = _p(0.006, "Large honest purchases (a car, a deposit) in a day")
    # Fraud
    velocity_rate: float = _p(0.0005, "Velocity attacks in a day")
    velocity_size: float = _p(6.0, "Transfers in a velocity attack: the mean")
    velocity_minutes: float = _p(6.0, "Mean length of a velocity attack in minutes")
    takeover_rate: float = _p(0.0016, "Account takeovers in a day")
    stealth: float = _p(0.35, "Share of fraudulent mobile and web transfers whose device reads like the owner's")
    takeover_size: float = _p(1.6, "Transfers in a takeover: the mean")
    mule: float = _p(0.004, "Share of accounts that are mules")
    mule_rate: float = _p(0.5, "Transfers a mule passes on in a day")
    mule_age_days: float = _p(200.0, "Mean age of a mule account in days (exponential)")
    # Labels
    report_median_days: float = _p(2.0, "Days until a fraud is reported: the median")
    report_spread: float = _p(0.8, "Spread of that delay (sigma of its logarithm)")
    unreported: float = _p(0.03, "Share of frauds that nobody ever reports: their label is wrong for ever")
    mature_days: float = _p(7.0, "Days without a report after which a transfer counts as honest")
