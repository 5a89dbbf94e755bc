"""What the tests of policies and releases do to an installation: start processes with other code, publish, release."""

from datetime import timedelta
from pathlib import Path
from typing import Any

from andon import Automation, Policy, decisions
from andon.decisions import Deployment, ReleaseRule, Releasing
from andon.kernel.events import Events
from andon.kernel.identity import Actor
from andon.policies import PolicyVersion
from andon.serving import Candidate
from automations import POLICY, an_automation
from lines import OWNER, Installation

STRICTER = POLICY.replace("prediction.score >= 0.8", "prediction.score >= 0.6")
STRICTEST = POLICY.replace("prediction.score >= 0.8", "prediction.score >= 0.4")

ALICE = Actor("cli:alice")


def with_policy(text: str, name: str = "payments") -> Automation:
    """Change the policy of the standing automation on disk."""
    automation = an_automation(name)
    automation.policy = Policy.yaml(text)
    return automation


def other_code(text: str = POLICY) -> Automation:
    """Return the standing automation with a new fallback: another version of the code."""
    automation = with_policy(text)
    automation.fallback = ("rules",)
    return automation


def started(installation: Installation, folder: Path, automation: Automation, **rule: Any) -> Deployment:
    """Start a process with this code."""
    deployment = Deployment(
        installation.database,
        [automation],
        cache=folder / "models",
        clock=rule.pop("clock", installation.clock),
        rule=ReleaseRule(**rule),
        events=Events(),
    )
    deployment.refresh()
    return deployment


def worker(installation: Installation, folder: Path, automation: Automation) -> Deployment:
    """Start a process that releases nothing by itself where something is released."""
    return started(installation, folder, automation, releases=Releasing.FIRST, hand_over=timedelta(minutes=5))


def publish(installation: Installation, text: str, **more: Any) -> PolicyVersion:
    """Publish a policy for payments."""
    with installation.database.begin() as tx:
        return decisions.publish_policy(
            tx,
            more.pop("automation", an_automation()),
            text,
            source="policy",
            actor=OWNER,
            reason=more.pop("reason", "better"),
            now=installation.clock.now(),
            events=more.pop("events", Events()),
            **more,
        )


def release(installation: Installation, version: int, **more: Any) -> decisions.Release:
    """Release a version of payments."""
    with installation.database.begin() as tx:
        return decisions.release(
            tx,
            "payments",
            version,
            actor=more.pop("actor", OWNER),
            reason="test",
            now=more.pop("now", installation.clock.now()),
            events=more.pop("events", Events()),
            **more,
        )


def policy_of(deployment: Deployment, candidate: Candidate | None = None) -> str:
    """Return the policy version by which the champion, or another candidate, decides."""
    traffic = deployment.lines["payments"].traffic
    return traffic.champion.ref.policy_version if candidate is None else traffic.arms[candidate].ref.policy_version
