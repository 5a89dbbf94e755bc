"""The settings of one installation: `andon.toml` in the project's folder. The environment can override each value.

`[gateway] port = 8080` is `ANDON_GATEWAY_PORT`; a value that ends in `_FILE` (`ANDON_DATABASE_URL_FILE`) is read from
the file it names. Built once by `load` and handed down; nothing else reads the environment.
"""

import os
import tomllib
from collections.abc import Mapping
from ipaddress import ip_network
from pathlib import Path
from typing import Any, Literal
from urllib.parse import parse_qsl, urlsplit

from pydantic import Field, SecretStr, ValidationError, field_validator, model_validator

from andon.kernel.connections import Connection
from andon.kernel.destinations import DestinationSettings
from andon.kernel.environment import LONGEST_SPAN, LONGEST_WAIT, Section, SettingsInvalid, secret_of, value_of
from andon.kernel.errors import Fault
from andon.kernel.mailing import AttachmentSettings, MailSettings
from andon.kernel.places import Host, HttpAddress

__all__ = ["DestinationSettings", "Settings", "SettingsInvalid", "load", "names"]

FILE_NAME = "andon.toml"
PREFIX = "ANDON_"

HIGHEST_PRICE = 10_000_000
"""The highest price of an hour. A day's cost is kept in nano-units of the currency, which end at nine billion units."""

_TLS = {"sslcert", "sslkey", "sslmode", "sslrootcert"}
_ASKABLE = {"application_name", "host", "options", "target_session_attrs", *_TLS}
"""The parameters that a database address may have after its `?`: those that both libpq and asyncpg understand."""


class ProjectSettings(Section):
    """The project."""

    name: str = Field("andon", description="Shown in the console.")
    automations: list[str] = Field(
        default=["automation.py"], description="Python files, relative to andon.toml, that declare automations."
    )
    train: str | None = Field(
        default=None,
        description="Python file that trains and packs the model; `andon up` runs it first if no model is registered.",
    )


class DatabaseSettings(Section):
    """The database that holds everything."""

    url: SecretStr | None = Field(
        None, description="postgresql://... of a PostgreSQL 15 or later; default: one embedded in `.andon/`."
    )

    @field_validator("url")
    @classmethod
    def _of_postgresql(cls, url: SecretStr | None) -> SecretStr | None:
        if url is None:
            return None
        if not _is_of_postgresql(url.get_secret_value()):
            raise ValueError("expected postgresql://USER:PASSWORD@HOST:PORT/DATABASE")
        asked = {name for name, _ in parse_qsl(urlsplit(url.get_secret_value()).query, keep_blank_values=True)}
        if unknown := sorted(asked - _ASKABLE):
            known = ", ".join(sorted(_ASKABLE))
            raise ValueError(
                f"it sets {', '.join(unknown)}, which not all of Andon's connections would honour; it may set {known}"
            )
        return url


class AccessSettings(Section):
    """Settings of authentication."""

    pepper: SecretStr | None = Field(
        None,
        description="Secret with which API keys are hashed, at least 64 hexadecimal digits; default: one generated in "
        "`.andon/pepper`. Never put it in the file: set ANDON_ACCESS_PEPPER or ANDON_ACCESS_PEPPER_FILE.",
    )


class GatewaySettings(Section):
    """The HTTP API."""

    host: Host = Field("127.0.0.1", description="Address to listen on.")
    port: int = Field(8080, ge=0, le=65535, description="Port to listen on.")
    max_body_bytes: int = Field(1_000_000, gt=0, description="A larger request body is refused with 413.")
    grpc_port: int = Field(
        9000, ge=0, le=65535, description="Port of the Open Inference Protocol over gRPC (extra `grpc`); 0 for none."
    )
    max_in_flight: int = Field(1024, gt=0, description="Concurrent decisions; one more is refused with 503.")
    wait_seconds: float = Field(
        0.25,
        gt=0,
        le=LONGEST_WAIT,
        description="The longest estimated wait in the queue, from recent service times; "
        "beyond it requests are refused with 503.",
    )
    timeout_seconds: float = Field(
        10.0,
        gt=0,
        le=LONGEST_WAIT,
        description="How long a caller that sends no X-Request-Timeout waits; expired work is not predicted.",
    )
    rate_per_minute: int = Field(
        600_000, gt=0, description="Decisions a key may request in a minute; more are refused with 429."
    )
    results_seconds: float = Field(
        604_800.0,
        gt=0,
        le=LONGEST_SPAN,
        description="How long Andon keeps the reason why a request accepted with 202 could not be decided. Decisions "
        "are kept forever.",
    )
    batches_per_key: int = Field(
        16, gt=0, description="Concurrent batch calls of one key; one more is refused with 429."
    )
    inference_ids_are_keys: bool = Field(
        True,
        description="Whether the id of an Open Inference request is its idempotency key. "
        "Set it to false for clients that send the same id with every request.",
    )
    burst: int = Field(20_000, gt=0, description="Decisions a key may request in a burst after a quiet period.")


class WorkerSettings(Section):
    """The worker, which does the work after a decision."""

    port: int = Field(8082, ge=0, le=65535, description="Port of the worker's own /metrics and health routes.")
    seal_seconds: float = Field(
        5.0, gt=0, le=LONGEST_WAIT, description="Seconds between two checkpoints of the audit log."
    )
    evidence_days: int = Field(
        90, ge=1, le=36_500, description="Days for which the pictures of scripts in web applications are kept."
    )


class ConsoleSettings(Section):
    """The web console."""

    enabled: bool = Field(
        True, description="Whether `andon up` runs it. False saves a process if commands and API are enough."
    )
    host: Host = Field("127.0.0.1", description="Address to listen on.")
    port: int = Field(8081, ge=0, le=65535, description="Port to listen on.")
    proxies: list[str] = Field(
        default=[],
        description="Addresses or networks of the proxies in front of it (`127.0.0.1`, `10.0.0.0/8`). Only these are "
        "trusted about a visitor's address and https.",
    )
    url: HttpAddress | None = Field(
        None, description="Address at which people reach it, for links in alerts; default: host and port."
    )

    @field_validator("proxies")
    @classmethod
    def _are_networks(cls, proxies: list[str]) -> list[str]:
        for proxy in proxies:
            try:
                ip_network(proxy)
            except ValueError as error:
                raise ValueError(f"expected addresses or networks, such as 127.0.0.1 or 10.0.0.0/8: {error}") from None
        return proxies


class ReleaseSettings(Section):
    """The code of an automation that may decide."""

    approval: Literal["none", "required"] = Field(
        "none",
        description="`none`: a gateway releases the code it is started with. `required`: nothing decides before `andon "
        "release` or its API equivalent.",
    )
    author_may_approve: bool = Field(
        True, description="Whether the person who started the first process with a version may release it."
    )
    hand_over_seconds: float = Field(
        300.0,
        ge=0,
        le=LONGEST_SPAN,
        description="How long a running process still decides with code that a newer release has superseded.",
    )


class TelemetrySettings(Section):
    """Logs, traces and metrics."""

    log_level: str = Field("info", pattern="^(debug|info|warning|error)$", description="debug, info, warning or error.")
    otlp_endpoint: HttpAddress | None = Field(
        None, description="http(s) address of an OpenTelemetry collector; if not set, no traces are sent."
    )


class CostSettings(Section):
    """The prices of compute time, for the cost of a decision."""

    cpu_hour: float = Field(0.04, ge=0, le=HIGHEST_PRICE, description="Price of one CPU core for one hour.")
    gpu_hour: float = Field(1.0, ge=0, le=HIGHEST_PRICE, description="Price of one GPU for one hour.")
    currency: str = Field("EUR", pattern="^[A-Z]{3}$", description="ISO 4217 code of the price.")


class EndpointSettings(Section):
    """The hosting of one model's versions; the section has the name of the model."""

    isolated: bool = Field(
        False, description="Run each version in its own processes, in an environment built from the captured one."
    )
    processes_min: int = Field(
        1,
        ge=0,
        le=64,
        description="The least number of processes; 0 stops an idle version, whose next request is a cold start.",
    )
    processes_max: int = Field(1, ge=1, le=64, description="The most processes; at least processes_min.")
    timeout_seconds: float = Field(
        5.0,
        gt=0,
        le=LONGEST_WAIT,
        description="How long one batch may take to predict before it fails. A prediction inside the gateway cannot be "
        "stopped: its answer is used, and if this happens repeatedly the version gets no requests for a "
        "while.",
    )
    idle_seconds: float = Field(
        300.0, gt=0, le=LONGEST_SPAN, description="Idle time after which a process above the minimum ends."
    )
    wait_target_ms: float = Field(
        20.0, gt=0, description="How long a batch may wait for a free process before another process is started."
    )
    max_batch: int = Field(256, ge=1, le=4096, description="The most rows in one call of the model.")
    memory_mb: int = Field(
        2048,
        ge=64,
        description="Memory that one process may hold; a process that holds more after a batch is replaced.",
    )
    url: HttpAddress | None = Field(
        None,
        description="Address of the server of a remote model, for all versions; default: the address in each package.",
    )
    secret_env: str | None = Field(
        None,
        description="Name of the environment variable that holds the remote server's bearer token; sent only to `url`.",
    )
    allow_private: bool = Field(
        False, description="Whether a remote model's server may have a loopback or private address."
    )

    @model_validator(mode="after")
    def _has_bounds_in_order(self) -> "EndpointSettings":
        if self.processes_min > self.processes_max:
            raise ValueError(f"processes_min, {self.processes_min}, is more than processes_max, {self.processes_max}")
        return self

    def bearer(self, environment: Mapping[str, str] = os.environ) -> str | None:
        """Return the token for the remote server; None if none is configured.

        Raises SettingsInvalid if its variable is named but not set, or if no url limits where the token is sent.
        """
        if self.secret_env is None:
            return None
        if self.url is None:
            raise SettingsInvalid("A secret_env of [endpoints] needs a url next to it: the secret is sent only there")
        value = secret_of(self.secret_env, "endpoints", environment)
        return None if value is None else value.get_secret_value()


class EventSettings(Section):
    """Andon's own events that are sent outside, each as a CloudEvent, and their destination."""

    types: list[str] = Field(
        min_length=1,
        description="Types of events: a full name (`andon.alias.set`), a prefix (`andon.alias.*`), or `*` for all.",
    )
    destination: str = Field(description="The `[destinations.NAME]` that receives them.")
    connector: str = Field("webhook", description="The connector that delivers them: `webhook`, `kafka` or `nats`.")
    options: dict[str, Any] = Field(
        default={}, description="Options of the connector: `topic` for `kafka`, `subject` for `nats`."
    )


class LanguageModelSettings(Section):
    """A language model for agents. Without such a section, Andon never calls one."""

    provider: str = Field(
        "openai",
        description="`openai` for any OpenAI-compatible API, `python` for a function in the project, or the name of "
        "another pydantic-ai provider.",
    )
    model: str = Field(description="The model's name at the provider; for `python`, `file.py:function`.")
    url: HttpAddress | None = Field(None, description="The API's address, if it is not the provider's own.")
    key_env: str | None = Field(
        None, description="The environment variable that holds the API key. The key itself is never in this file."
    )
    input_price: float | None = Field(
        None,
        ge=0,
        description="Price of a million input tokens, in the currency of [cost]; 0 if it is free. A missing price "
        "counts as 0 in a budget, and an agent with a limit of money then sends no request.",
    )
    output_price: float | None = Field(None, ge=0, description="Price of a million output tokens.")
    max_tokens: int = Field(4096, gt=0, description="The most tokens in one response.")


class AlertSettings(Section):
    """A destination for alerts: one message for each change of a group of alerts."""

    destination: str = Field(description="The `[destinations.NAME]` that receives them.")
    level: Literal["warning", "critical"] = Field(
        "warning", description="The lowest level sent: `warning` for all alerts, `critical` for urgent ones."
    )
    connector: str = Field("webhook", description="The connector that delivers them: any connector, or `alertmanager`.")
    options: dict[str, Any] = Field(
        default={}, description="Options of the connector; `{alert.title}` and `{alert.text}` are filled in."
    )
    drills: bool = Field(False, description="Whether alerts of drills are sent too.")


class Settings(Section):
    """All settings, frozen."""

    project: ProjectSettings = ProjectSettings()
    database: DatabaseSettings = DatabaseSettings()
    access: AccessSettings = AccessSettings()
    gateway: GatewaySettings = GatewaySettings()
    worker: WorkerSettings = WorkerSettings()
    console: ConsoleSettings = ConsoleSettings()
    releases: ReleaseSettings = ReleaseSettings()
    telemetry: TelemetrySettings = TelemetrySettings()
    cost: CostSettings = CostSettings()
    mail: MailSettings = MailSettings()
    attachments: AttachmentSettings = AttachmentSettings()
    destinations: dict[str, DestinationSettings] = Field(default={}, description="Outside systems by name.")
    connections: dict[str, Connection] = Field(
        default={}, description="Servers that triggers read and publishing actions write, by name."
    )
    events: dict[str, EventSettings] = Field(default={}, description="Events that are sent outside, by any name.")
    alerts: dict[str, AlertSettings] = Field(default={}, description="Where alerts are sent, by any name.")
    endpoints: dict[str, EndpointSettings] = Field(default={}, description="How models are run, by their name.")
    language_models: dict[str, LanguageModelSettings] = Field(
        default={}, description="Language models for agents, by the name that an agent gives."
    )
    root: Path = Field(Path(), exclude=True, description="The project's folder; not set in the file.")

    @property
    def data(self) -> Path:
        """The folder that holds all this installation writes."""
        return self.root / ".andon"


def load(root: Path, environment: Mapping[str, str] = os.environ) -> Settings:
    """Read the settings of the project in `root`. Raises SettingsInvalid, which names each wrong setting."""
    file = root / FILE_NAME
    try:
        written = tomllib.loads(file.read_text(encoding="utf-8")) if file.exists() else {}
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsInvalid(f"{file} is not TOML: {error}") from error
    variables = _overlay(written, environment)
    try:
        return Settings(**written, root=root.resolve())
    except ValidationError as error:
        found = error.errors(include_input=False)
        faults = [Fault(".".join(map(str, one["loc"])), one["msg"]) for one in found]
        sources = [variables.get(one["loc"][:2], file) for one in found]
        wrong = [f"{source}: {fault.where}: {fault.message}" for source, fault in zip(sources, faults, strict=True)]
        raise SettingsInvalid("; ".join(wrong), faults=faults) from error


def names() -> dict[str, tuple[str, str]]:
    """Return every setting as `ANDON_GATEWAY_PORT` -> (`gateway`, `port`)."""
    return {
        f"{PREFIX}{section}_{name}".upper(): (section, name)
        for section, field in Settings.model_fields.items()
        if isinstance(field.annotation, type) and issubclass(field.annotation, Section)
        for name in field.annotation.model_fields
    }


def _is_of_postgresql(url: str) -> bool:
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return False
    return parts.scheme in ("postgresql", "postgres") and port != 0


def _overlay(written: dict[str, Any], environment: Mapping[str, str]) -> dict[tuple[int | str, ...], str]:
    """Override the file's values with the environment's. Return each variable by the section and name that it set."""
    variables: dict[tuple[int | str, ...], str] = {}
    for variable, (section, name) in names().items():
        value = value_of(variable, environment)
        if value is not None:
            variables[section, name] = variable
            written.setdefault(section, {})[name] = value.split(",") if name == "automations" else value
    return variables
