"""Transfers with their truth on standard output, one a line: `python -m examples.demo.drift.waves calm|wave COUNT SEED`."""

import json
import sys
from datetime import timedelta

from simulator import Drift, Parameters, simulate

ACCOUNTS = 400_000
AN_HOUR = 10_000
"""Transfers of so many accounts in an hour, at least."""

TAKEOVERS = 0.035
"""Account takeovers in a day during the wave: one transfer in fourteen is a thief's."""

WAVE = Drift("insider", after=timedelta(0))


def main(kind: str, count: int, seed: int) -> None:
    """Write the first `count` transfers, calm or with the wave."""
    wave = kind == "wave"
    parameters = Parameters(takeover_rate=TAKEOVERS) if wave else Parameters()
    found = simulate(
        seed, accounts=ACCOUNTS, days=count / AN_HOUR / 24, drift=WAVE if wave else None, parameters=parameters
    )
    if len(found) < count:
        sys.exit(f"{ACCOUNTS:,} accounts make only {len(found):,} transfers in that time, not {count:,}")
    for number, transfer in enumerate(found):
        if number == count:
            return
        print(json.dumps({"input": transfer.input, "fraud": transfer.is_fraud}))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
