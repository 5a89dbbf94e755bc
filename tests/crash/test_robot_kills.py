"""A few kills between send and confirm for each connector of a robot; `script/chaos robots` does hundreds of each."""

import os
import random
import shutil

import pytest

from andon.kernel.db import Database
from crash.robot_rigs import NAMES
from crash.robots import round_of

KILLS = int(os.environ.get("ANDON_TEST_ROBOT_KILLS", "2"))


@pytest.mark.crash
@pytest.mark.timeout(600)
def test_nothing_is_done_twice_by_robots_and_what_cannot_be_known_is_left_to_a_person(database: Database) -> None:
    if shutil.which("chromium") is None:
        pytest.skip("no Chromium here")
    seed = int(os.environ.get("ANDON_TEST_SEED", str(random.randrange(10**6))))
    print(f"seed {seed}, {KILLS} kills each; repeat with ANDON_TEST_SEED={seed}")
    wrong, numbers = round_of(database.url, NAMES, KILLS, seed, backlog=3)
    print("\n".join(numbers))
    assert not wrong
