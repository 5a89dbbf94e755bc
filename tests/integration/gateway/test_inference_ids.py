"""The id of an inference request is its idempotency key."""

from functools import partial
from typing import Any

import httpx
import pytest

from calls import calling
from lines import CALLER, Installation

from .test_inference_rest import INFER, columns, infer, outputs, recorded


@pytest.mark.parametrize("rows", [1, 3])
def test_a_request_that_is_sent_again_under_its_id_gets_the_first_answer(installation: Installation, rows: int) -> None:
    key = installation.key("bank", CALLER)
    first, again = (infer(installation, key, {"id": "42", **columns(rows)}) for _ in range(2))
    assert outputs(again) == outputs(first)
    assert again.json()["parameters"] == first.json()["parameters"]
    assert recorded(installation) == rows


@pytest.mark.parametrize("other", [columns(2), columns(1, amount=("FP64", [51.0]))], ids=["rows", "amount"])
def test_another_input_under_a_used_id_is_refused(installation: Installation, other: dict[str, object]) -> None:
    key = installation.key("bank", CALLER)
    assert infer(installation, key, {"id": "42", **columns(1)}).status_code == 200
    refused = infer(installation, key, {"id": "42", **other})
    assert (refused.status_code, refused.json()["error"]) == (
        400,
        "This Idempotency-Key was used before with another input.",
    )
    assert recorded(installation) == 1


@pytest.mark.parametrize("identifier", ["x" * 5000, "\u00e9" * 300, ""], ids=["long", "not ASCII", "none"])
def test_any_id_will_do(installation: Installation, identifier: str) -> None:
    key = installation.key("bank", CALLER)
    answers = [infer(installation, key, {"id": identifier, **columns(1)}) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [200, 200]
    assert recorded(installation) == (1 if identifier else 2)


def test_ids_are_no_keys_where_a_setting_says_so(installation: Installation) -> None:
    key = installation.key("bank", CALLER)
    limits = {"inference_ids_are_keys": False}
    for amount in (1.0, 2.0):
        body = {"id": "42", **columns(1, amount=("FP64", [amount]))}
        ask = partial(_ask, key=key, body=body)
        assert calling(installation, ask, **limits).status_code == 200
    assert recorded(installation) == 2


async def _ask(client: httpx.AsyncClient, *, key: str, body: dict[str, Any]) -> httpx.Response:
    return await client.post(INFER, json=body, headers={"Authorization": f"Bearer {key}"})
