"""The whole system under faults of every kind, over each other: in the end everything that was sent is decided and done, once."""

import os
import random
from pathlib import Path

import pytest

from crash import checks
from crash.chaos import round_of

FAULTS = int(os.environ.get("ANDON_TEST_FAULTS", "200"))


@pytest.mark.crash
@pytest.mark.timeout(900)
def test_what_is_sent_is_decided_and_done_once_through_faults_of_every_kind(short_folder: Path) -> None:
    seed = int(os.environ.get("ANDON_TEST_SEED", str(random.randrange(10**6))))
    print(f"seed {seed}, {FAULTS} faults; repeat with ANDON_TEST_SEED={seed}")
    report = round_of(short_folder, seed, FAULTS)
    print(report)
    assert report.ok, checks.shown(report.wrong)
    assert report.answers > FAULTS
    assert report.procedures > FAULTS // 4
    assert all(count > FAULTS for count in report.events.values()), report.events
