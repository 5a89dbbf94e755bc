"""The API's documents: names that read well and stand for one thing, and contracts in the place of bodies."""

import re
from types import SimpleNamespace
from typing import Annotated, Any, cast

import pytest
from pydantic import BaseModel, Field

from andon.gateway import Gateway, Side, create_control, document
from andon.gateway.contract_document import contract_document
from andon.gateway.documents import add_schema
from andon.kernel.config import Settings

READS_WELL = re.compile(r"[a-z]+(_[a-z]+)*")


class Problem(BaseModel):
    """A part of a contract, called as one of the API's own shapes."""

    code: str


class Fault(BaseModel):
    """A contract with a part, and a text that has a limit."""

    name: Annotated[str, Field(max_length=10)]
    problem: Problem


class Branch(BaseModel):
    """A contract that holds itself."""

    below: "list[Branch]" = Field(default_factory=list)


@pytest.fixture(scope="module")
def described() -> dict[str, Any]:
    parts = cast(Gateway, SimpleNamespace(settings=Settings()))
    return document(create_control(parts, cast(Side, None)))


def operations_of(described: dict[str, Any]) -> list[tuple[str, str, dict[str, Any]]]:
    return [(verb, path, one) for path, found in described["paths"].items() for verb, one in found.items()]


def references_of(value: Any) -> set[str]:
    if isinstance(value, list):
        return set().union(*map(references_of, value))
    if not isinstance(value, dict):
        return set()
    here = {value["$ref"].rpartition("/")[2]} if isinstance(value.get("$ref"), str) else set()
    return here.union(*map(references_of, value.values()))


def test_every_operation_has_a_name_of_its_own_that_reads_well(described: dict[str, Any]) -> None:
    names = [operation["operationId"] for _, _, operation in operations_of(described)]
    assert len(set(names)) == len(names)
    assert [name for name in names if not READS_WELL.fullmatch(name) or "_v1_" in name] == []
    assert {"decide", "decide_batch", "list_reviews", "get_decision", "bring_event_batch"} <= set(names)


def test_each_name_of_a_schema_stands_for_one_and_each_reference_leads_to_one(described: dict[str, Any]) -> None:
    schemas = described["components"]["schemas"]
    assert {schema.get("title", name) for name, schema in schemas.items()} == set(schemas)
    assert references_of(described) <= set(schemas)
    with pytest.raises(ValueError, match="Two schemas of the API are called Problem"):
        add_schema(dict(schemas), "Problem", {"type": "string"})


def test_every_array_says_what_it_holds(described: dict[str, Any]) -> None:
    def without_items(value: Any, where: str) -> list[str]:
        if isinstance(value, list):
            return [place for each in value for place in without_items(each, where)]
        if not isinstance(value, dict):
            return []
        here = [where] if value.get("type") == "array" and "items" not in value and "prefixItems" not in value else []
        return here + [place for key, each in value.items() for place in without_items(each, f"{where}.{key}")]

    assert without_items(described, "") == []


def test_an_operation_says_which_problems_it_answers(described: dict[str, Any]) -> None:
    for verb, path, operation in operations_of(described):
        statuses = set(operation["responses"])
        assert ("401" in statuses) != path.endswith("z"), path
        assert ("404" in statuses) == ("{" in path), path
        assert ("409" in statuses) == (verb != "get"), path
        assert "default" in statuses
    decide = described["paths"]["/v1/automations/{name}/decisions"]["post"]["responses"]
    assert {"400", "413", "415", "422", "429", "503", "504"} <= set(decide)
    assert "Retry-After" in decide["429"]["headers"]


def test_the_document_of_an_automation_has_its_contract_as_the_body(described: dict[str, Any]) -> None:
    own = contract_document(described, "payments", 3, Fault.model_json_schema())
    assert (own["info"]["title"], own["info"]["version"]) == ("payments", "3")
    decide = own["paths"]["/v1/automations/payments/decisions"]["post"]
    assert decide["requestBody"]["content"]["application/json"]["schema"] == {"$ref": "#/components/schemas/Fault"}
    schemas = own["components"]["schemas"]
    assert schemas["Fault"]["properties"]["name"]["maxLength"] == 10
    assert schemas["Fault"]["properties"]["problem"] == {"$ref": "#/components/schemas/ProblemInput"}
    assert schemas["ProblemInput"]["required"] == ["code"]
    assert schemas["Problem"] == described["components"]["schemas"]["Problem"]
    assert references_of(own) == set(schemas)


def test_a_contract_that_holds_itself_keeps_its_references(described: dict[str, Any]) -> None:
    own = contract_document(described, "trees", 1, Branch.model_json_schema())
    assert references_of(own) == set(own["components"]["schemas"])
    assert own["components"]["schemas"]["Branch"]["properties"]["below"]["items"] == {
        "$ref": "#/components/schemas/Branch"
    }
