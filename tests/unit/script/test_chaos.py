"""Faults are drawn from the seed alone, so that a seed that found something finds it again."""

import random

from crash.faults import KINDS, WEIGHTS, drawn


def drawn_from(seed: int) -> list[tuple[str, float, float]]:
    draw = random.Random(seed)
    return [(str(fault), fault.seconds, fault.pause) for fault in (drawn(draw) for _ in range(200))]


def test_the_same_seed_gives_the_same_faults_and_another_others() -> None:
    assert drawn_from(1) == drawn_from(1)
    assert drawn_from(1) != drawn_from(2)


def test_every_kind_comes() -> None:
    words = {fault.split()[0] for fault, _, _ in drawn_from(3)}
    assert {"kill", "freeze", "cut", "lose", "answer"} <= words
    assert set(WEIGHTS) == set(KINDS)
