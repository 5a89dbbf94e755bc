"""What is loaded is not looked at again by Python's collector, which afterwards works as ever."""

import subprocess
import sys

PROGRAM = """
import gc
from andon.kernel.collector import resting

before = sum(collection["collections"] for collection in gc.get_stats())
try:
    with resting():
        import sqlalchemy
        raise KeyError
except KeyError:
    pass
print(sum(collection["collections"] for collection in gc.get_stats()) - before)
print(gc.isenabled(), gc.get_freeze_count() > 10_000)

class Ring:
    pass

ring = Ring()
ring.itself = ring
del ring
print(gc.collect() > 0)
"""


def test_the_collector_rests_while_modules_are_loaded_and_only_then() -> None:
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, timeout=60, check=False)
    assert done.stdout.split() == ["0", "True", "True", "True"], done.stderr
