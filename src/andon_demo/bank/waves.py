"""Transfers with their truth on stdout, one per line: `python -m andon_demo.bank.waves calm|busy|wave COUNT SEED`."""

import json
import sys
from datetime import timedelta

from simulator import Drift, Parameters, simulate

ACCOUNTS = 400_000

TAKEOVERS = 0.035
"""Account takeovers in a day during the wave: one transfer in fourteen is a thief's."""

BUSY = 0.014
"""The same on days with much fraud of the usual pattern: about one transfer in thirty."""

WAVE = Drift("insider", after=timedelta(0))


def main(kind: str, count: int, seed: int) -> None:
    """Write `count` transfers, calm, busy or with the wave. Each hour has new accounts, so no window fills up."""
    wave, made = kind == "wave", 0
    rates = {"busy": BUSY, "wave": TAKEOVERS}
    parameters = Parameters(takeover_rate=rates[kind]) if kind in rates else Parameters()
    while made < count:
        for transfer in simulate(
            seed, accounts=ACCOUNTS, days=1 / 24, drift=WAVE if wave else None, parameters=parameters
        ):
            print(json.dumps({"input": transfer.input, "fraud": transfer.is_fraud}))
            made += 1
            if made == count:
                break
        seed += 100


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
