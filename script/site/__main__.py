"""`script/docs`: build the site, check it, run the examples on its pages."""

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

from script.site import ROOT, FolderTaken, build
from script.site.building import BuildFailed


def main() -> int:
    """Return 0 if the site is sound and every example ran."""
    arguments = argparse.ArgumentParser(prog="script/docs", description=__doc__)
    arguments.add_argument("folder", nargs="?", type=Path, default=ROOT / "build" / "site", metavar="FOLDER")
    arguments.add_argument("--only-build", action="store_true", help="do not run the examples (tests/docs)")
    given = arguments.parse_args()
    with tempfile.TemporaryDirectory(prefix="andon-site-") as scratch:
        try:
            faults = build(ROOT, given.folder.resolve(), Path(scratch))
        except (BuildFailed, FolderTaken) as error:
            print(error, file=sys.stderr)
            return 1
    for fault in faults:
        print(f"{fault.page}: {fault.reference}: {fault.reason}", file=sys.stderr)
    if faults:
        print(f"{len(faults)} links lead nowhere", file=sys.stderr)
        return 1
    print(
        f"The site is in {given.folder}: open {given.folder / 'index.html'}, or serve the folder from any web server."
    )
    if given.only_build:
        return 0
    return subprocess.run([sys.executable, "-m", "pytest", "--quiet", "tests/docs"], cwd=ROOT, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
