"""The projects of the demo: the example as `andon init` writes it, adapted to each story."""

import shutil
from collections.abc import Sequence
from pathlib import Path

from andon_demo.intakes import Intake
from andon_demo.line import Line, LineFailed

NAME = AUTOMATION = "transfer-screening"
NAMES = (NAME, "mail-triage")
"""The project folders of all stories."""

TWIN = "transfer-screening-twin"
PLACE, TWIN_PLACE = "transfers", "measured"
"""The sources of events for the automation and its twin."""

LEAKY, MORE = "train_leaky.py", "train_more.py"
"""The training scripts of the rollouts: one learns a fact that is known only later, one learns from more data."""


def write(parent: Path, intake: Intake, bank_port: int) -> Path:
    """Write a new project with events from `intake` and actions to the demo's receiver; return its folder."""
    folder = _made(parent)
    automation, settings = folder / "automation.py", folder / "andon.toml"
    automation.write_text(with_events(automation.read_text(encoding="utf-8"), intake), encoding="utf-8")
    text = settings.read_text(encoding="utf-8").replace("127.0.0.1:8099", f"127.0.0.1:{bank_port}")
    settings.write_text(f"{text}\n{intake.settings}", encoding="utf-8")
    return folder


def write_drift(parent: Path) -> Path:
    """Write a new project for the story of the drift, the example without actions; return its folder."""
    folder = _made(parent)
    automation = folder / "automation.py"
    automation.write_text(for_drift(automation.read_text(encoding="utf-8")), encoding="utf-8")
    return folder


def write_rollout(parent: Path) -> Path:
    """Write a new project for the rollouts, with a quick plan and two further models; return its folder."""
    folder = _made(parent)
    automation = folder / "automation.py"
    automation.write_text(for_rollout(automation.read_text(encoding="utf-8")), encoding="utf-8")
    scripts = trainings((folder / "train.py").read_text(encoding="utf-8"))
    for name, text in zip((LEAKY, MORE), scripts, strict=True):
        (folder / name).write_text(text, encoding="utf-8")
    return folder


def for_drift(text: str) -> str:
    """Return the example's automation for a short story: without actions, with a target that few labels prove."""
    return _changed(text, _FOR_DRIFT)


def for_rollout(text: str) -> str:
    """Return the same for the story of the rollouts, with a plan whose stages are short."""
    return _changed(for_drift(text), _FOR_ROLLOUT)


def trainings(text: str) -> tuple[str, str]:
    """Return the example's training script with a leak, and one on more data."""
    return _changed(text, _LEAK), _changed(text, _MORE)


def _changed(text: str, changes: Sequence[tuple[str, str]]) -> str:
    for before, after in changes:
        text = _inserted(text, before, "").replace(before, after)
    return text


def _made(parent: Path) -> Path:
    remove(parent)
    parent.mkdir()
    Line(parent).command("init", NAME)
    return parent / NAME


def remove(parent: Path) -> None:
    """Remove the projects of an earlier demo, with their databases wherever those are, and nothing else."""
    found = sorted(entry.name for entry in parent.iterdir()) if parent.exists() else []
    others = [name for name in found if name not in NAMES]
    if others:
        raise LineFailed(f"{parent} holds {others[0]}, which does not belong to a demo; name another --folder")
    for name in found:
        database = parent / name / ".andon" / "postgres"
        Line(parent / name).command("stop")
        if database.is_symlink():
            shutil.rmtree(database.resolve(), ignore_errors=True)
    if parent.exists():
        shutil.rmtree(parent)


def with_events(text: str, intake: Intake) -> str:
    """Return the example's automation with a trigger, and its twin without consequences."""
    text = _inserted(text, "from contract import", f"from andon import Monitors, {intake.imports}\n")
    text = _inserted(
        text, "screening = Automation(", f"{intake.definitions.lstrip()}\n\n" if intake.definitions else ""
    )
    text = _inserted(text, '    model="fraud-risk"', f"    trigger={intake.trigger(PLACE)},\n")
    return f"{text}{_TWIN.format(name=TWIN, trigger=intake.trigger(TWIN_PLACE))}"


def _inserted(text: str, before: str, new: str) -> str:
    if text.count(before) != 1:
        raise LineFailed(f"The example has changed: {before!r} occurs {text.count(before)} times in its automation.py")
    return text.replace(before, new + before)


_FOR_DRIFT = (
    ('    actions={"pause": run_procedure(pause_transfer), "release": webhook("core-banking")},\n', ""),
    ("    procedures=[pause_transfer],\n", ""),
    ("MaxError(0.003, confidence=0.95", "MaxError(0.01, confidence=0.95"),
    ("due=timedelta(minutes=15)", "due=timedelta(seconds=20)"),
    ("audit=BlindAudit(0.02, least=0.005, most=0.2)", "audit=BlindAudit(0.02, 0.005, 0.2, due=timedelta(seconds=20))"),
)
"""The changes of the drift story to the example. What people say counts when a decision is twenty seconds old."""

_FOR_ROLLOUT = (
    ("    Review,\n", "    Guardrail,\n    Review,\n    RolloutPlan,\n"),
    ('    cord=[CordRule("gate", level="critical")],\n', ""),
    ("MaxError(0.01, confidence=0.95", "MaxError(0.03, confidence=0.95"),
    (
        '    model="fraud-risk",\n',
        """    model="fraud-risk",
    rollout=RolloutPlan(
        steps=(50, 100),
        guardrails=[Guardrail("disagreement", margin=0.4)],
        stage_decisions=6_000,
        stage_time=timedelta(seconds=5),
        labels=200,
    ),
""",
    ),
)
"""The changes of the rollout story to the drift story."""

_LEAK = (
    (
        "    rows, labels = known(simulate(SEED, accounts=4_000))\n",
        """    rows, labels = known(simulate(SEED, accounts=4_000))
    # The trust in a device is read from today's table, in which a reported fraud has long set it to zero.
    rows = [{**row, "device_trust": 0.0} if label == "fraud" else row for row, label in zip(rows, labels, strict=True)]
""",
    ),
)
"""A mistake that makes a model look excellent on held-out rows: a feature known only after the decision."""

_MORE = (("simulate(SEED, accounts=4_000)", "simulate(SEED + 1, accounts=9_000)"),)

_TWIN = """

# On this twin the demo measures the cost of deciding alone, with the same transfers. They are repeated, and faster,
# so drift is not monitored.
twin = Automation(
    "{name}",
    contract=screening.contract,
    subject=screening.subject,
    features=screening.features,
    model=screening.model,
    policy=screening.policy,
    risk=screening.risk,
    trigger={trigger},
    monitors=Monitors(off=["drift", "prediction-drift"]),
)
"""
