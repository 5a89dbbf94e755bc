"""What a process does with its memory once it is up."""

import platform
import subprocess
import sys
from pathlib import Path

SCRIPT = """
import re
from pathlib import Path
from andon.bootstrap.memory import HUGE, gather_pages

def held(what):
    return int(re.search(rf"^{what}: +(\\d+) kB", Path("/proc/self/smaps_rollup").read_text(), re.M)[1]) * 1024

kept = [{"number": n, "text": str(n)} for n in range(200_000)]
before, huge = held("Rss"), held("AnonHugePages")
pages = gather_pages()
assert [one["number"] for one in kept] == list(range(200_000)), "what was moved reads as before"
print(pages, (held("AnonHugePages") - huge) // HUGE, (held("Rss") - before) / before)
"""

THERE = Path("/sys/kernel/mm/transparent_hugepage/enabled").exists()
NEW_ENOUGH = [int(part) for part in platform.release().split("-")[0].split(".")[:2]] >= [6, 1]


def test_own_memory_is_gathered_in_huge_pages_and_a_process_does_not_grow_by_it() -> None:
    """A system without huge pages is unchanged; one with them gives at least 10 of the 70 MB, at arbitrary offsets."""
    told = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True, timeout=60, check=True).stdout
    gathered, shown, grown = told.split()
    assert int(gathered) >= int(shown)
    assert (int(shown) >= 5) is (THERE and NEW_ENOUGH)
    assert float(grown) < 0.05
