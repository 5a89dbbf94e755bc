"""Language models by name: each is a section `[language_models.NAME]` of andon.toml, opened when an agent needs it."""

import os
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from pydantic_ai.exceptions import ModelHTTPError
from pydantic_ai.messages import ModelMessagesTypeAdapter
from pydantic_ai.models import Model, ModelRequestParameters, infer_model
from pydantic_ai.models.function import FunctionModel
from pydantic_ai.usage import RequestUsage
from pydantic_core import to_json

from andon.agents.errors import LanguageModelInvalid, RequestTooDear

_MILLION = 1_000_000
_NANO = 1_000_000_000


class ModelSettings(Protocol):
    """The settings of one section."""

    @property
    def provider(self) -> str: ...
    @property
    def model(self) -> str: ...
    @property
    def url(self) -> str | None: ...
    @property
    def key_env(self) -> str | None: ...
    @property
    def input_price(self) -> float | None: ...
    @property
    def output_price(self) -> float | None: ...
    @property
    def max_tokens(self) -> int: ...


@dataclass(frozen=True, slots=True)
class LanguageModel:
    """An opened model with its prices for a million tokens, in the currency of `[cost]`; None where none is known."""

    model: Model
    input_price: float | None
    output_price: float | None
    max_tokens: int

    def cost_of(self, usage: RequestUsage) -> int:
        """Return what a response costs, in nano-units. Tokens without a known price cost nothing."""
        price = usage.input_tokens * (self.input_price or 0) + usage.output_tokens * (self.output_price or 0)
        return round(price * _NANO / _MILLION)

    def most_of(self, messages: Sequence[Any], parameters: ModelRequestParameters) -> int:
        """Return the most that a request may cost, in nano-units. Each token is at least one byte of the request."""
        sent = len(ModelMessagesTypeAdapter.dump_json(list(messages)))
        tools = [*parameters.function_tools, *parameters.output_tools]
        sent += sum(len(to_json([tool.name, tool.description, tool.parameters_json_schema])) for tool in tools)
        return self.cost_of(RequestUsage(input_tokens=sent, output_tokens=self.max_tokens))

    def most_within(self, left: int | None, messages: Sequence[Any], parameters: ModelRequestParameters) -> int:
        """Return the most that a request may cost; `left` is the rest of the agent's limit, None without a limit.

        Raises RequestTooDear if the request may cost more, or if a price is missing that the limit needs.
        """
        most = self.most_of(messages, parameters)
        if left is None:
            return most
        if self.input_price is None or self.output_price is None:
            raise RequestTooDear(
                "The request was not sent: the agent has a spending limit, and its model has no price. Set input_price "
                "and output_price in the model's section of andon.toml; 0 means that it is free"
            )
        if most > left:
            raise RequestTooDear(
                f"The request was not sent: it may cost up to {most / _NANO:g}, but only {left / _NANO:g} is left of "
                "the agent's spending limit"
            )
        return most


def is_free(error: BaseException) -> bool:
    """Return whether a failed request costs nothing, because its provider refused it or was not reached."""
    link: BaseException | None = error
    while link is not None:
        if isinstance(link, ModelHTTPError):
            return link.status_code < 500 or link.status_code == 503
        if isinstance(link, ConnectionRefusedError) or type(link).__name__ == "ConnectError":  # httpx's or httpx2's
            return True
        link = link.__cause__ or link.__context__
    return False


class LanguageModels:
    """Opens models by name; each is opened once."""

    def __init__(self, known: Mapping[str, ModelSettings], root: Path) -> None:
        self._known = known
        self._root = root
        self._opened: dict[str, LanguageModel] = {}

    def open(self, name: str) -> LanguageModel:
        """Return a model. Raises LanguageModelInvalid."""
        if name not in self._opened:
            self._opened[name] = self._open(name)
        return self._opened[name]

    def _open(self, name: str) -> LanguageModel:
        wanted = self._known.get(name)
        if wanted is None:
            known = ", ".join(self._known) or "none"
            raise LanguageModelInvalid(f"andon.toml has no [language_models.{name}]; there are: {known}")
        model = _python(self._root, wanted.model) if wanted.provider == "python" else _provided(name, wanted)
        return LanguageModel(model, wanted.input_price, wanted.output_price, wanted.max_tokens)


def _provided(name: str, wanted: ModelSettings) -> Model:
    key = None if wanted.key_env is None else os.environ.get(wanted.key_env)
    if wanted.key_env is not None and not key:
        raise LanguageModelInvalid(f"[language_models.{name}] key_env: the variable {wanted.key_env} is not set")
    try:
        if wanted.provider != "openai":
            return _sending_once(infer_model(f"{wanted.provider}:{wanted.model}"))
        from pydantic_ai.models.openai import OpenAIChatModel
        from pydantic_ai.providers.openai import OpenAIProvider

        opened = OpenAIProvider(base_url=wanted.url, api_key=key or "none")
        return _sending_once(OpenAIChatModel(wanted.model, provider=opened))
    except ImportError as error:
        raise LanguageModelInvalid(
            f"[language_models.{name}] provider: {wanted.provider!r} needs a library that is not installed: {error}"
        ) from error
    except Exception as error:  # each provider raises errors of its own
        raise LanguageModelInvalid(f"[language_models.{name}]: {type(error).__name__}: {error}") from error


def _sending_once(model: Model) -> Model:
    """Return a model whose client does not retry: the step does, because each attempt needs its own reservation."""
    client = getattr(model, "client", None)
    if client is not None and hasattr(client, "max_retries"):
        client.max_retries = 0
    return model


def _python(root: Path, place: str) -> Model:
    """Return the model at `file.py:name` of the project: a model object, or a function that answers messages."""
    file, _, called = place.partition(":")
    path = root / file
    namespace: dict[str, Any] = {"__name__": f"andon_language_model_{path.stem}", "__file__": str(path)}
    try:
        exec(compile(path.read_text(encoding="utf-8"), str(path), "exec"), namespace)  # noqa: S102 - the project's code
        found: Any = namespace[called]
    except (OSError, KeyError) as error:
        raise LanguageModelInvalid(f"{place}: there is no such function in the project ({error})") from error
    function: Callable[..., Awaitable[Any]] = found
    return found if isinstance(found, Model) else FunctionModel(function, model_name=called)
