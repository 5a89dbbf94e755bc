"""The catalogue of events is whole, and each event says what it means."""

import importlib
import json
import re
from dataclasses import fields, make_dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, get_type_hints
from uuid import UUID

import pytest

import andon
from andon.bootstrap.announcing import check_event_routes, event_routes
from andon.bootstrap.catalogue import CATALOGUE
from andon.bootstrap.connecting import Kinds
from andon.kernel import config
from andon.kernel.config import SettingsInvalid
from andon.kernel.events import DomainEvent, meanings

NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)
EXAMPLES: dict[Any, Any] = {str: "text", int: 3, bool: True, UUID: UUID(int=7), date: NOW.date(), datetime: NOW}


SOURCE = Path(andon.__file__).parent


def declared() -> set[type[DomainEvent]]:
    """Every event that some `published.py` declares."""
    names = [file.parent.name for file in SOURCE.glob("*/published.py")]
    kinds = [kind for name in names for kind in vars(importlib.import_module(f"andon.{name}.published")).values()]
    return {kind for kind in kinds if isinstance(kind, type) and issubclass(kind, DomainEvent)} - {DomainEvent}


def an_example(kind: type[DomainEvent]) -> DomainEvent:
    hints = get_type_hints(kind)
    values = {field.name: EXAMPLES.get(hints[field.name]) for field in fields(kind)}
    return kind(**{**values, "at": NOW})  # type: ignore[arg-type]


def test_every_event_that_is_declared_is_in_the_catalogue() -> None:
    assert declared() == set(CATALOGUE)
    assert len({kind.type for kind in CATALOGUE}) == len(CATALOGUE)


def test_events_are_declared_where_they_are_looked_for() -> None:
    elsewhere = [
        str(file.relative_to(SOURCE))
        for file in SOURCE.rglob("*.py")
        if file.name != "published.py" and "(DomainEvent):" in file.read_text(encoding="utf-8")
    ]
    assert elsewhere == []


@pytest.mark.parametrize("kind", CATALOGUE)
def test_an_event_says_what_it_is_and_what_it_is_about(kind: type[DomainEvent]) -> None:
    assert re.fullmatch(r"andon\.[a-z]+\.[a-z_]+", kind.type)
    assert re.fullmatch(r"[A-Z][^\n]+\.", kind.__doc__ or ""), "one sentence"
    event = an_example(kind)
    assert "{" not in event.subject
    assert not event.subject.endswith("None")
    assert set(json.loads(json.dumps(event.data()))) == set(meanings(kind))
    assert not {"input", "features", "token", "secret", "pepper"} & set(meanings(kind))


def test_a_field_that_does_not_say_what_it_means_is_refused() -> None:
    silent = make_dataclass("Silent", [("word", str)], bases=(DomainEvent,), frozen=True)
    with pytest.raises(TypeError, match=r"Silent\.word has no description"):
        meanings(silent)


def settings(folder: Path, text: str) -> config.Settings:
    (folder / config.FILE_NAME).write_text(
        '[destinations.ops]\nurl = "https://ops.example"\n[destinations.bus]\n' + text, encoding="utf-8"
    )
    return config.load(folder, {})


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ('types = ["andon.alias.gone"]\ndestination = "ops"', "expected one of andon.action.confirmed, "),
        ('types = ["andon.nothing.*"]\ndestination = "ops"', "unknown event 'andon.nothing.*'"),
        ('types = ["*"]\ndestination = "opps"', "unknown destination 'opps'; there are bus, ops"),
        ('types = ["*"]\ndestination = "bus"', "needs a url under [destinations.bus]"),
        ('types = ["*"]\ndestination = "ops"\nconnector = "pigeon"', "unknown connector 'pigeon'"),
        ('types = ["*"]\ndestination = "ops"\nconnector = "smtp"', "sends no events; webhook, kafka and nats do"),
        ('types = ["*"]\ndestination = "bus"\nconnector = "nats"', "subject: Field required"),
    ],
)
def test_what_cannot_be_meant_is_refused_with_what_there_is(tmp_path: Path, text: str, named: str) -> None:
    wanted = settings(tmp_path, f"[events.all]\n{text}\n")
    with pytest.raises(SettingsInvalid) as refused:
        event_routes(wanted, Kinds(tmp_path))
    assert named in str(refused.value)
    assert check_event_routes(wanted, Kinds(tmp_path))[0].where == "[events.all]"


def test_what_is_meant_becomes_a_route(tmp_path: Path) -> None:
    wanted = settings(
        tmp_path,
        '[events.some]\ntypes = ["andon.alias.*", "andon.split.set"]\ndestination = "ops"\n'
        '[events.all]\ntypes = ["*"]\ndestination = "bus"\nconnector = "nats"\noptions = {subject = "andon.events"}\n',
    )
    some, every = event_routes(wanted, Kinds(tmp_path))
    taken = [kind.type for kind in CATALOGUE if some.takes(kind.type)]
    assert taken == ["andon.alias.set", "andon.split.set"]
    assert all(every.takes(kind.type) for kind in CATALOGUE)
    assert (every.connector, dict(every.options)) == ("nats", {"subject": "andon.events"})


def test_types_without_any_are_refused(tmp_path: Path) -> None:
    with pytest.raises(SettingsInvalid, match=r"events\.none\.types"):
        settings(tmp_path, '[events.none]\ntypes = []\ndestination = "ops"\n')
