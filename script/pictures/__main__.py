"""`script/screenshots FOLDER`: pictures of every console page, at the width of a desktop and of a phone."""

import argparse
import sys
import tempfile
from pathlib import Path
from time import time

from script.pictures.camera import NoChromium, chromium, take
from script.pictures.scene import shown_line
from script.pictures.tour import Tour, page_kinds

from andon_demo.line import LineFailed
from andon_demo.stage import Stage


def main() -> int:
    """Take the pictures; return 0 if each page found fits its window."""
    arguments = argparse.ArgumentParser(prog="script/screenshots", description=__doc__)
    arguments.add_argument("folder", type=Path, metavar="FOLDER", help="the folder for the pictures")
    arguments.add_argument("--address", help="a running console; without it the demo's rollout story is played first")
    arguments.add_argument("--key", help="the API key to sign in with, required with --address")
    given = arguments.parse_args()
    if (given.address is None) != (given.key is None):
        arguments.error("--address and --key go together")
    given.folder.mkdir(parents=True, exist_ok=True)
    try:
        if given.address is not None:
            return _pictures(given.address, given.key, given.folder)
        with tempfile.TemporaryDirectory(prefix="andon-pictures-", dir="/tmp") as scratch:
            stage = Stage(Path(scratch) / "project", Path(scratch), time(), once=True, broker=None, transfers=0)
            with shown_line(stage) as (address, key):
                return _pictures(address, key, given.folder)
    except (LineFailed, NoChromium) as error:
        print(error, file=sys.stderr)
        return 1


def _pictures(address: str, key: str, folder: Path) -> int:
    """Take all pictures; print the pages that are too wide, and those that no link led to."""
    tour, too_wide = Tour(page_kinds()), 0
    with chromium() as browser:
        for picture in take(browser, address, key, tour, folder):
            too_wide += picture.wider > 0
            print(picture.file, picture.address, f"{picture.wider} px too wide" if picture.wider > 0 else "")
    for path in tour.missed():
        print(f"no page led to {path}")
    return 1 if too_wide else 0


if __name__ == "__main__":
    sys.exit(main())
