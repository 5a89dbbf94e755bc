"""An hour of a large simulated bank on stdout, one transfer per line: `python -m andon_demo.transfers COUNT SEED`."""

import json
import sys

from simulator import simulate

ACCOUNTS = 400_000
HOURS = 1.0


def main(count: int, seed: int) -> None:
    """Write the first `count` transfers of the hour."""
    made = 0
    for transfer in simulate(seed, accounts=ACCOUNTS, days=HOURS / 24):
        if made == count:
            return
        print(json.dumps(transfer.input))
        made += 1
    if made < count:
        sys.exit(f"An hour of {ACCOUNTS:,} accounts has only {made:,} transfers, not {count:,}")


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
