"""Language models by reference, over real HTTP to a server of ours that speaks like OpenAI's."""

import asyncio
import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from pydantic_ai.exceptions import ModelAPIError
from pydantic_ai.messages import ModelRequest
from pydantic_ai.models import ModelRequestParameters
from pydantic_ai.tools import ToolDefinition

from andon.agents import LanguageModelInvalid, RequestTooDear
from andon.agents.language_models import LanguageModels, is_free
from andon.kernel.config import LanguageModelSettings

ANSWER = {
    "id": "c1",
    "object": "chat.completion",
    "created": 1,
    "model": "tiny",
    "choices": [{"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": "Hello."}}],
    "usage": {"prompt_tokens": 1000, "completion_tokens": 100, "total_tokens": 1100},
}


@contextmanager
def a_server(status: int = 200) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """Answer every request like a chat model, and note what was asked."""
    asked: list[dict[str, Any]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            asked.append({"path": self.path, "key": self.headers["Authorization"], **body})
            answer = json.dumps(ANSWER).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *_: Any) -> None:
            """Keep quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/v1", asked
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def models(**settings: Any) -> LanguageModels:
    return LanguageModels({"llm": LanguageModelSettings(**settings)}, Path())


def test_an_openai_compatible_server_is_asked_with_the_key_of_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TINY_KEY", "s3cret")
    with a_server() as (url, asked):
        opened = models(model="tiny", url=url, key_env="TINY_KEY", input_price=2.0, output_price=10.0).open("llm")

        async def request() -> Any:
            return await opened.model.request(
                [ModelRequest.user_text_prompt("Hi")], {"max_tokens": 50}, ModelRequestParameters()
            )

        response = asyncio.run(request())
    assert (response.text, opened.cost_of(response.usage)) == ("Hello.", 3_000_000)
    [sent] = asked
    assert (sent["path"], sent["key"], sent["model"]) == ("/v1/chat/completions", "Bearer s3cret", "tiny")


@pytest.mark.parametrize(("status", "free"), [(429, True), (401, True), (503, True), (500, False)])
def test_a_request_is_sent_once_and_is_free_if_it_was_refused(status: int, free: bool) -> None:
    with a_server(status) as (url, asked):
        opened = models(model="tiny", url=url).open("llm")
        with pytest.raises(ModelAPIError) as failed:
            asyncio.run(opened.model.request([ModelRequest.user_text_prompt("Hi")], None, ModelRequestParameters()))
    assert (len(asked), is_free(failed.value)) == (1, free)


def test_a_request_that_reached_nobody_is_free() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    opened = models(model="tiny", url=f"http://127.0.0.1:{port}/v1").open("llm")
    with pytest.raises(ModelAPIError) as failed:
        asyncio.run(opened.model.request([ModelRequest.user_text_prompt("Hi")], None, ModelRequestParameters()))
    assert is_free(failed.value)
    assert not is_free(TimeoutError())


def test_the_most_that_a_request_may_cost_is_by_its_bytes_and_the_longest_response() -> None:
    opened = models(model="tiny", url="http://127.0.0.1:1/v1", input_price=1.0, output_price=10.0).open("llm")
    tool = ToolDefinition(name="look", parameters_json_schema={"type": "object"}, description="d" * 500)
    short, long = ([ModelRequest.user_text_prompt("x" * n)] for n in (1, 10_001))
    least = opened.most_of(short, ModelRequestParameters())
    assert least > 4096 * 10_000
    assert opened.most_of(long, ModelRequestParameters()) == least + 10_000 * 1_000
    assert opened.most_of(short, ModelRequestParameters(function_tools=[tool])) > least + 500 * 1_000


def test_a_request_that_may_cost_more_than_is_left_is_refused() -> None:
    opened = models(model="tiny", url="http://127.0.0.1:1/v1", input_price=1.0, output_price=10.0).open("llm")
    asked = [ModelRequest.user_text_prompt("Hi")], ModelRequestParameters()
    most = opened.most_of(*asked)
    assert opened.most_within(None, *asked) == opened.most_within(most, *asked) == most
    with pytest.raises(RequestTooDear, match=r"may cost up to 0\.04\d+, but only 0\.001 is left"):
        opened.most_within(1_000_000, *asked)
    with pytest.raises(RequestTooDear):
        opened.most_within(most - 1, *asked)


@pytest.mark.parametrize("price", [{}, {"input_price": 1.0}, {"output_price": 1.0}], ids=["none", "input", "output"])
def test_a_limit_of_money_needs_both_prices(price: dict[str, float]) -> None:
    asked = [ModelRequest.user_text_prompt("Hi")], ModelRequestParameters()
    opened = models(model="tiny", url="http://127.0.0.1:1/v1", **price).open("llm")
    with pytest.raises(RequestTooDear, match="Set input_price and output_price"):
        opened.most_within(10**12, *asked)
    assert opened.most_within(None, *asked) == opened.most_of(*asked)


def test_a_model_that_is_free_fits_any_limit() -> None:
    opened = models(model="tiny", url="http://127.0.0.1:1/v1", input_price=0, output_price=0).open("llm")
    assert opened.most_within(0, [ModelRequest.user_text_prompt("Hi")], ModelRequestParameters()) == 0


def test_a_model_that_cannot_be_opened_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TINY_KEY", raising=False)
    with pytest.raises(LanguageModelInvalid, match="TINY_KEY is not set"):
        models(model="tiny", key_env="TINY_KEY").open("llm")
    with pytest.raises(LanguageModelInvalid, match=r"no \[language_models.other\]; there are: llm"):
        models(model="tiny").open("other")
    with pytest.raises(LanguageModelInvalid, match="there is no such function"):
        models(provider="python", model="nowhere.py:model").open("llm")


def test_a_provider_by_name_sends_each_request_once_because_only_one_is_reserved(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("DEEPSEEK_API_KEY", "not-a-key")
    opened = models(provider="deepseek", model="deepseek-chat").open("llm").model
    assert opened.client.max_retries == 0  # type: ignore[attr-defined]
