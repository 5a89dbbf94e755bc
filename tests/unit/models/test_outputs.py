"""What a runtime answers is looked at before it counts as probabilities."""

from math import inf, nan

import numpy as np
import pytest

from andon.models.outputs import fault_of


@pytest.mark.parametrize("rest", [(), (0.0,)], ids=["two classes", "three"])
@pytest.mark.parametrize(
    "row", [(nan, 0.5), (0.5, nan), (inf, 0.5), (-inf, 0.5), (-0.01, 1.01), (1.01, -0.01), (0.5, 0.6), (0.2, 0.7)]
)
def test_a_row_that_holds_no_probabilities_is_a_fault_wherever_it_stands(
    row: tuple[float, float], rest: tuple[float, ...]
) -> None:
    good = [(0.25, 0.75, *rest), (1.0, 0.0, *rest), (0.0004, 0.9999, *rest)]
    assert fault_of(np.array(good), 3, 2 + len(rest)) is None
    for at in range(4):
        rows = [*good[:at], (*row, *rest), *good[at:]]
        fault = fault_of(np.array(rows), 4, 2 + len(rest))
        assert fault is not None
        assert "not probabilities" in fault


def test_another_shape_is_a_fault_and_no_rows_are_none() -> None:
    assert fault_of(np.empty((0, 2)), 0, 2) is None
    assert fault_of(np.empty((0, 3)), 0, 3) is None
    fault = fault_of(np.full((2, 2), 0.5), 3, 2)
    assert fault == "expected probabilities of shape (3, 2), got (2, 2)"
