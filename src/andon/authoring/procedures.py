"""Procedures: consequences of a decision in several steps. Each is a named function; declaring it runs nothing."""

import ast
import hashlib
import inspect
import re
import textwrap
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias, TypeVar
from uuid import UUID

from andon.authoring.actions import ActionSpec
from andon.authoring.errors import DeclarationInvalid

if TYPE_CHECKING:
    from andon.authoring.agents import AgentSpec
    from andon.authoring.tools import Toolbox

T = TypeVar("T")

Compensation: TypeAlias = Callable[[], Awaitable[Any]]
"""A function that undoes a finished step when the procedure fails later.

It consists of steps itself: `lambda: p.step(unlock, account)`.
"""

BY_PROCEDURE = "procedure"
"""The connector of actions that start a procedure; their destination is its name."""

_NAME = re.compile(r"^[a-z][a-z0-9-]{0,62}$")


@dataclass(frozen=True, slots=True)
class Retry:
    """The attempts at a step and the pauses between them: a random share of a span that doubles up to `longest`.

    Only errors of the kinds in `on`, and none in `never`, are retried. `SystemExit` is not: it is no `Exception`.
    """

    attempts: int = 5
    first: timedelta = timedelta(seconds=1)
    longest: timedelta = timedelta(hours=1)
    on: tuple[type[Exception], ...] = (Exception,)
    never: tuple[type[Exception], ...] = ()

    def __post_init__(self) -> None:
        if self.attempts < 1:
            raise DeclarationInvalid(f"Retry: expected at least 1 attempt, got {self.attempts}")
        if self.first < timedelta() or self.longest < self.first:
            raise DeclarationInvalid("Retry: expected 0 <= first <= longest")

    def wait(self, attempt: int, share: float) -> timedelta:
        """Return the wait after attempt number `attempt` (from 1), with `share` drawn from 0 to 1."""
        span: timedelta = min(self.first * 2 ** min(attempt - 1, 32), self.longest)
        return span * share

    def wants(self, error: BaseException) -> bool:
        """Return whether to retry after this error."""
        return isinstance(error, self.on) and not isinstance(error, self.never)


class StepFailed(Exception):
    """A step was given up: its function failed too often or permanently, or its delivery was refused."""

    def __init__(self, step: str, why: str) -> None:
        super().__init__(f"{step}: {why}")
        self.step = step
        self.why = why


@dataclass(frozen=True, slots=True)
class Received:
    """An event that was sent to a procedure."""

    name: str
    data: Any
    by: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Answered:
    """A person's choice and reason."""

    choice: str
    reason: str
    by: str
    at: datetime


class Procedure(Protocol):
    """The argument of a procedure's function, and its only access to the world: each call is made once and recorded.

    Await one step before the next. Any other clock, random number or network would make a restarted run differ.
    """

    @property
    def id(self) -> UUID:
        """The procedure's own id."""
        ...

    @property
    def automation(self) -> str:
        """The automation whose decision started it."""
        ...

    @property
    def decision_id(self) -> UUID:
        """The decision that started it."""
        ...

    async def step(
        self,
        function: Callable[..., Awaitable[T]] | Callable[..., T],
        *args: Any,
        name: str | None = None,
        retry: Retry | None = None,
        compensate: Compensation | None = None,
    ) -> T:
        """Return what `function(*args)` returns. It may be called again after a kill, so give external effects a key.

        Arguments and results are JSON values, or types that Pydantic can build from them by the function's annotations.
        Raises StepFailed.
        """
        ...

    async def call(
        self, toolbox: "Toolbox", tool: str, arguments: Mapping[str, Any] | None = None, *, agent: str | None = None
    ) -> Any:
        """Have a tool call decided, wait for a person if the policy asks for one, and return the tool's result.

        `agent` is the caller named in the review and the ledger (default: the procedure's name). Raises StepFailed if
        the call was denied, refused or failed, ToolCallInvalid for wrong arguments.
        """
        ...

    async def agent(self, spec: "AgentSpec", data: Any) -> Any:
        """Let an agent work on `data` until it has a result of its declared type, and return that.

        If its model fails or refuses, or a limit is reached, a person is asked. Raises StepFailed if they stop it.
        """
        ...

    async def deliver(
        self, action: ActionSpec, data: Mapping[str, Any], *, event: str, compensate: Compensation | None = None
    ) -> None:
        """Deliver `data` to an action's destination as `event`, with retries, breaker and one key like all deliveries.

        Returns once it is delivered. Raises StepFailed if it was given up.
        """
        ...

    async def wait_for(self, event: str, *, within: timedelta | None = None) -> Received | None:
        """Return the next event of this name, already sent or still to come; None when the time is up."""
        ...

    async def ask(
        self, question: str, *, choices: Sequence[str], queue: str | None = None, due: timedelta = timedelta(hours=24)
    ) -> Answered:
        """Ask a person in a review queue (default: the automation's own), and wait for the answer."""
        ...

    async def sleep(self, span: timedelta) -> None:
        """Wait for a while, from now on."""
        ...

    async def sleep_until(self, moment: datetime) -> None:
        """Wait until a moment; return immediately if it has passed."""
        ...

    async def now(self) -> datetime:
        """Return the current time, as of the first run of this call."""
        ...

    async def random(self) -> float:
        """Return a random number from 0 to 1, drawn in the first run of this call."""
        ...


Body: TypeAlias = Callable[[Procedure, Any], Awaitable[Any]]


@dataclass(frozen=True, slots=True)
class ProcedureSpec:
    """A declared procedure. `version` is a digest of its function's code; a run ends on the version it began on.

    `retired`: it starts no new runs, and is kept for those that began on it.
    """

    name: str
    body: Body
    retired: bool = False
    version: str = field(init=False)
    declared_at: str = field(init=False)

    def __post_init__(self) -> None:
        if not _NAME.match(self.name):
            raise DeclarationInvalid(
                f"Procedure {self.name!r}: a name is lower-case letters, digits and '-', at most 63, a letter first"
            )
        if not inspect.iscoroutinefunction(self.body) or len(inspect.signature(self.body).parameters) != 2:
            raise DeclarationInvalid(f"Procedure {self.name!r}: expected `async def function(p, decision)`")
        code = self.body.__code__
        object.__setattr__(self, "version", digest_of(self.body))
        object.__setattr__(self, "declared_at", f"{code.co_filename}:{code.co_firstlineno}")

    @property
    def flow(self) -> str:
        """The name and the version, as one word."""
        return f"{self.name}@{self.version}"


def procedure(name: str, *, retired: bool = False) -> Callable[[Body], ProcedureSpec]:
    """Declare the function below as a procedure. Raises DeclarationInvalid.

    The function's own code determines its version. To change the code while runs of it are under way, keep a copy with
    `retired=True` until they have ended. Functions that its steps call may change at any time.
    """

    def declare(body: Body) -> ProcedureSpec:
        return ProcedureSpec(name, body, retired)

    return declare


def run_procedure(started: "ProcedureSpec | str") -> ActionSpec:
    """Return an action that starts this procedure, once for each decision or verdict with the outcome."""
    return ActionSpec(BY_PROCEDURE, started if isinstance(started, str) else started.name)


def digest_of(function: Callable[..., Any]) -> str:
    """Return eight hex digits of a function's code, without its name, decorators, comments and formatting."""
    try:
        tree = ast.parse(textwrap.dedent(inspect.getsource(function)))
    except (OSError, SyntaxError) as error:
        raise DeclarationInvalid(
            f"{function.__qualname__}: its source code cannot be read, so it has no version"
        ) from error
    node = tree.body[0]
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
        node.name, node.decorator_list = "function", []
        if ast.get_docstring(node, clean=False) is not None:
            node.body = node.body[1:] or [ast.Pass()]
    return hashlib.sha256(ast.unparse(tree).encode()).hexdigest()[:8]
