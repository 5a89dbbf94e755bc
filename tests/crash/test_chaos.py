"""The whole system under overlapping faults of every kind: in the end everything sent is decided and done, once."""

import os
import random
import socket
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from crash import checks
from crash.chaos import round_of
from crash.events import Sender
from crash.load import Load

FAULTS = int(os.environ.get("ANDON_TEST_FAULTS", "25"))
"""A round; `script/test --all` goes through a hundred, `script/chaos` through as many as it is given."""


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


class Unheard(Sender):
    """Sends to nobody."""

    name = "unheard"

    def __init__(self) -> None:
        super().__init__(seed=1, per_second=1000.0)
        self.tried, self.closed = threading.Event(), threading.Event()

    def send(self, account: str, event: dict[str, Any]) -> bool:
        self.tried.set()
        return False

    def close(self) -> None:
        self.closed.set()


def test_a_sender_that_gives_up_waits_for_no_event_to_arrive() -> None:
    sender = Unheard()
    sender.start()
    assert sender.tried.wait(5)
    sender.give_up()
    assert sender.closed.wait(5)
    assert not sender.sent


def test_callers_that_give_up_wait_for_no_answer() -> None:
    with socket.socket() as unheard:  # bound, but nobody listens
        unheard.bind(("127.0.0.1", 0))
        load = Load([unheard.getsockname()[1]], "", seed=1, width=2, pause=0.001)
        load.start()
        until = time.monotonic() + 5
        while load.told[0] < 2 and time.monotonic() < until:
            time.sleep(0.01)
        load.give_up()
        load.stop()
    assert load.told[0] >= 2
    assert load.answers == []
