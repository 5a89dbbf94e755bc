"""Tools that agents call, and toolboxes: each call is a decision by a policy that allows, denies or asks a person."""

import inspect
import re
import sys
import typing
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import lru_cache
from typing import Any, NewType, TypeAlias

from pydantic import BaseModel, ConfigDict, Field, ValidationError, create_model, field_validator
from pydantic_core import PydanticCustomError

from andon.authoring.actions import ActionSpec
from andon.authoring.automation import Automation
from andon.authoring.errors import DeclarationInvalid
from andon.authoring.policy import Policy
from andon.authoring.procedures import ProcedureSpec
from andon.authoring.review import Review

CallKey = NewType("CallKey", str)
"""The type of a parameter that is not an argument of the tool: it gets the call's key, the same at each repetition."""

ToolFunction: TypeAlias = Callable[..., Any]

_NAME = re.compile(r"^[A-Za-z0-9_][A-Za-z0-9_./-]{0,127}$")
_BARE = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD, inspect.Parameter.POSITIONAL_ONLY)


@dataclass(frozen=True, slots=True)
class Tool:
    """One tool: its name, the contract of its arguments, a description for the agent, and how it is carried out.

    `via` is a function, or an action that is delivered like any other. Without it, the caller carries out the tool.
    Without a contract, any arguments are valid.
    """

    name: str
    contract: type[BaseModel] | None = None
    description: str = ""
    via: ActionSpec | ToolFunction | None = None

    def __post_init__(self) -> None:
        if not isinstance(self.name, str) or not _NAME.match(self.name):
            raise DeclarationInvalid(
                f"Tool {self.name!r}: a name is letters, digits and _ . / -, at most 128, and begins with none of . / -"
            )
        if self.contract is not None and not (isinstance(self.contract, type) and issubclass(self.contract, BaseModel)):
            raise DeclarationInvalid(f"Tool {self.name!r}: contract must be a subclass of pydantic.BaseModel")
        if self.via is not None and not isinstance(self.via, ActionSpec) and not callable(self.via):
            raise DeclarationInvalid(f"Tool {self.name!r}: via must be a function or an action, such as http('bank')")

    @classmethod
    def of(cls, function: ToolFunction, *, name: str = "", description: str = "") -> "Tool":
        """Make a tool from a function: its parameters are the contract, its docstring is the description."""
        called = name or function.__name__
        return cls(called, _contract_of(function, called), description or inspect.getdoc(function) or "", function)

    @property
    def schema(self) -> dict[str, Any]:
        """The contract as JSON Schema."""
        return {"type": "object"} if self.contract is None else self.contract.model_json_schema()

    def faults_of(self, arguments: Mapping[str, Any]) -> list[tuple[str, str]]:
        """Return what is wrong with arguments, as names and messages."""
        if self.contract is None:
            return []
        try:
            strict_model(self.contract).model_validate(arguments)
        except ValidationError as error:
            found = error.errors(include_input=False, include_url=False, include_context=False)
            return [(".".join(map(str, one["loc"])), one["msg"]) for one in found]
        return []

    def values_of(self, arguments: Mapping[str, Any]) -> dict[str, Any]:
        """Return the arguments as the contract's types, with its defaults. Raises ValidationError."""
        if self.contract is None:
            return dict(arguments)
        read = self.contract.model_validate(arguments)
        return {name: getattr(read, name) for name in type(read).model_fields}

    async def perform(self, arguments: Mapping[str, Any], key: str) -> Any:
        """Call the tool's function, with the key of the call. Raises TypeError if the tool has no function."""
        result = self.perform_now(arguments, key)
        return await result if inspect.isawaitable(result) else result

    def perform_now(self, arguments: Mapping[str, Any], key: str) -> Any:
        """Call the function without awaiting it: for functions that block. Raises TypeError."""
        if self.via is None or isinstance(self.via, ActionSpec):
            raise TypeError(f"tool {self.name!r} is not carried out by a function")
        keyed = {name: key for name, hint in _hints(self.via).items() if hint is CallKey}
        return self.via(**self.values_of(arguments), **keyed)


def tool(function: ToolFunction) -> Tool:
    """Declare the function below as a tool. Raises DeclarationInvalid."""
    return Tool.of(function)


class Toolbox(Automation):
    """Tools with the policy that decides each call: an automation whose input is a call of a tool.

    Its policy's outcomes are `allow`, `deny` and `ask`; `ask` opens a review. `approval` is how long a permit lasts.
    If a caller over HTTP does not report the end of a begun call within `unfinished`, its outcome is unknown and a
    person is asked. With `unlisted`, tools that are not listed may be called as well, with any arguments.
    """

    def __init__(
        self,
        name: str,
        tools: Sequence[Tool | ToolFunction] = (),
        *,
        policy: Policy,
        review: Review | None = None,
        approval: timedelta = timedelta(hours=1),
        unfinished: timedelta = timedelta(hours=1),
        unlisted: bool = False,
        procedures: Sequence[ProcedureSpec] = (),
        **more: Any,
    ) -> None:
        if not isinstance(tools, list | tuple) or not all(isinstance(one, Tool) or callable(one) for one in tools):
            raise DeclarationInvalid(f"Toolbox {name!r}: tools must be a list of tools or functions")
        listed = [one if isinstance(one, Tool) else Tool.of(one) for one in tools]
        names = [one.name for one in listed]
        if len(set(names)) != len(names):
            raise DeclarationInvalid(f"Toolbox {name!r}: two of its tools have the same name")
        if not listed and not unlisted:
            raise DeclarationInvalid(f"Toolbox {name!r}: it has no tools; list them, or set unlisted=True")
        if not isinstance(approval, timedelta) or approval <= timedelta():
            raise DeclarationInvalid(
                f"Toolbox {name!r}: approval must be a timedelta above 0, such as timedelta(hours=1), got {approval!r}"
            )
        if not isinstance(unfinished, timedelta) or unfinished <= timedelta():
            raise DeclarationInvalid(
                f"Toolbox {name!r}: unfinished must be a timedelta above 0, such as timedelta(hours=1), got "
                f"{unfinished!r}"
            )
        fixed = sorted({"contract", "model", "subject", "actions"} & more.keys())
        if fixed:
            raise DeclarationInvalid(f"Toolbox {name!r}: {fixed[0]} cannot be set for a toolbox; its tools define it")
        self.tools: Mapping[str, Tool] = {one.name: one for one in listed}
        self.unlisted = unlisted
        self.approval = approval
        self.unfinished = unfinished
        super().__init__(
            name,
            contract=_call_of(self),
            policy=policy,
            review=review,
            procedures=procedures,
            when_stopped="deny",
            **more,
        )
        caller = sys._getframe(1)
        self.declared_at = f"{caller.f_code.co_filename}:{caller.f_lineno}"

    def find(self, name: str) -> Tool | None:
        """Return the tool of a name, which may be unlisted if those are allowed; else None."""
        known = self.tools.get(name)
        return Tool(name) if known is None and self.unlisted and _NAME.match(name) else known


def _call_of(box: Toolbox) -> type[BaseModel]:
    """Return the contract of a call, which checks the arguments by the tool's own contract."""

    def checked(cls: type[BaseModel], arguments: dict[str, Any], info: Any) -> dict[str, Any]:
        del cls
        found = box.find(info.data.get("tool", ""))
        for where, message in () if found is None else found.faults_of(arguments):
            raise PydanticCustomError("argument", "{where}: {message}", {"where": where, "message": message})
        return arguments

    def known(cls: type[BaseModel], name: str) -> str:
        del cls
        if box.find(name) is None:
            tools = ", ".join(box.tools)
            raise PydanticCustomError("tool", "no such tool; expected one of {known}", {"known": tools})
        return name

    validators: dict[str, Any] = {
        "known": field_validator("tool")(classmethod(known)),
        "checked": field_validator("arguments")(classmethod(checked)),
    }
    model: type[BaseModel] = create_model(
        "ToolCall",
        __config__=ConfigDict(extra="forbid"),
        __validators__=validators,
        tool=(str, Field(max_length=128)),
        arguments=(dict[str, Any], ...),
        agent=(str, Field(min_length=1, max_length=200)),
        run=(str | None, Field(default=None, max_length=200)),
    )
    return model


def _contract_of(function: ToolFunction, name: str) -> type[BaseModel]:
    """Make a model of a function's parameters. Raises DeclarationInvalid."""
    if not callable(function):
        raise DeclarationInvalid(f"Tool {name!r}: expected a function, got {function!r}")
    hints, fields = _hints(function), dict[str, Any]()
    for parameter in inspect.signature(function).parameters.values():
        if parameter.kind in _BARE:
            raise DeclarationInvalid(f"Tool {name!r}: {parameter} cannot be passed by name, so an agent cannot give it")
        if parameter.name not in hints:
            raise DeclarationInvalid(f"Tool {name!r}: {parameter.name} has no type; annotate it")
        if hints[parameter.name] is not CallKey:
            default = ... if parameter.default is inspect.Parameter.empty else parameter.default
            fields[parameter.name] = (hints[parameter.name], default)
    made: type[BaseModel] = create_model(name, __config__=ConfigDict(extra="forbid"), **fields)
    return made


def _hints(function: ToolFunction) -> dict[str, Any]:
    return typing.get_type_hints(function, include_extras=True)


@lru_cache(maxsize=1024)
def strict_model(contract: type[BaseModel]) -> type[BaseModel]:
    """Return the contract with extra fields and infinite numbers forbidden."""
    closed = ConfigDict(extra="forbid", allow_inf_nan=False)
    body = {"model_config": closed, "__module__": contract.__module__}
    made: type[BaseModel] = type(contract.__name__, (contract,), body)
    return made
