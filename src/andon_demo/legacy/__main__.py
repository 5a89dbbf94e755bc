"""Runs the card system alone: `python -m andon_demo.legacy --port 8700 --slow 0.1 --errors 0.05`."""

import argparse

from andon_demo.legacy.bank import LegacyBank, Quirks
from andon_demo.legacy.server import LegacyServer, run


def main() -> None:
    """Read the options and serve until Ctrl-C."""
    parser = argparse.ArgumentParser(description="A card system of 2003, on loopback.")
    parser.add_argument("--port", type=int, default=8700, help="the port; 0 chooses a free one")
    parser.add_argument("--seed", type=int, default=7, help="the seed that decides which pages are slow or fail")
    parser.add_argument("--slow", type=float, default=0.0, help="the share of slow pages")
    parser.add_argument("--errors", type=float, default=0.0, help="the share of pages that fail")
    parser.add_argument("--lost", type=float, default=0.0, help="the share of blocks that are answered with an error")
    parser.add_argument("--session", type=int, default=None, help="requests until a session expires")
    given = parser.parse_args()
    quirks = Quirks(given.slow, 2.0, given.errors, given.lost, given.session)
    run(LegacyServer(LegacyBank(given.seed, quirks=quirks), port=given.port))


if __name__ == "__main__":
    main()
