"""One MLServer for all tests of a file, with models that answer and models that do not."""

from collections.abc import Iterator

import pytest

from andon.models import FeatureKind, FeatureSpec, columns_of
from mlservers import UNDESCRIBED, MlServer, a_matrix_in, a_tensor_each

FEATURES = (
    FeatureSpec("amount", FeatureKind.NUMBER),
    FeatureSpec("country", FeatureKind.CATEGORY, ("DE", "FR")),
    FeatureSpec("night", FeatureKind.BOOLEAN),
    FeatureSpec("at", FeatureKind.TIME),
)
COLUMNS = columns_of(FEATURES)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MlServer]:
    """Run the server; a test that stops it starts it again."""
    server = MlServer(tmp_path_factory.mktemp("mlserver"))
    server.add("scores", a_matrix_in(len(COLUMNS)))
    server.add("narrow", a_matrix_in(len(COLUMNS), "FP32"))
    server.add("each", a_tensor_each(COLUMNS))
    server.add("undescribed", UNDESCRIBED)
    server.add("wide", a_matrix_in(9))
    server.add("whole-numbers", a_matrix_in(len(COLUMNS), "INT64"))
    for kind in ("hangs", "fails", "refuses", "labels", "short", "nan"):
        server.add(kind, a_matrix_in(len(COLUMNS)), kind)
    server.start()
    yield server
    server.stop()
