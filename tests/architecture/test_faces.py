"""What import-linter's wildcards cannot say: a slice is entered only by its face."""

from collections.abc import Iterator

import grimp
import pytest

SLICES = {
    "access",
    "actions",
    "alerts",
    "attachments",
    "audit",
    "authoring",
    "decisions",
    "features",
    "labels",
    "live",
    "mail",
    "models",
    "policies",
    "procedures",
    "proofs",
    "reviews",
    "runtimes",
    "serving",
    "spending",
    "streams",
    "wire",
}
PORT_USERS = {"connectors"}
BY_BOOTSTRAP = {"metrics", "chores", "vouched"}
"""What each slice declares for the processes that `bootstrap` builds, and nobody else has to load."""

PARTS = {
    "andon.procedures.conducting",
    *(f"andon.serving.inference{module}" for module in ("", ".rest", ".grpc", ".protobuf")),
    "andon.streams.sources",
    "andon.actions.cloudevents",
}
"""A part of a slice with a face of its own, which names these modules as what it offers."""


@pytest.fixture(scope="module")
def graph() -> grimp.ImportGraph:
    return grimp.build_graph("andon", cache_dir=None)


def violations(graph: grimp.ImportGraph) -> Iterator[str]:
    for importer in sorted(graph.modules):
        for imported in sorted(graph.find_modules_directly_imported_by(importer)):
            source, target = importer.split("."), imported.split(".")
            if len(target) < 3 or target[1] not in SLICES or len(source) < 2 or source[1] == target[1]:
                continue
            if source[1] in PORT_USERS and target[2] == "ports":
                continue
            if source[1] == "bootstrap" and target[2] in BY_BOOTSTRAP:
                continue
            if imported in PARTS:
                continue
            yield f"{importer} imports {imported}: import andon.{target[1]} instead"


def test_a_slice_is_entered_by_its_face_only(graph: grimp.ImportGraph) -> None:
    assert list(violations(graph)) == []


def test_a_planted_violation_is_found(graph: grimp.ImportGraph) -> None:
    graph.add_import(importer="andon.gateway.decide", imported="andon.audit.store")
    assert list(violations(graph)) == ["andon.gateway.decide imports andon.audit.store: import andon.audit instead"]
    graph.remove_import(importer="andon.gateway.decide", imported="andon.audit.store")


def test_the_public_api_is_what_builders_write_and_importing_it_opens_nothing(graph: grimp.ImportGraph) -> None:
    reached = graph.find_downstream_modules("andon.kernel.db")
    assert "andon" not in reached
    assert not graph.find_modules_directly_imported_by("andon") - {"andon.authoring", "andon.version"}
