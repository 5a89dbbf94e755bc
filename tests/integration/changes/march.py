"""A line in March 2025, with an act of every kind, for tests that ask what was in force."""

from datetime import UTC, datetime

from andon import gates, spending
from andon.authoring import Budget
from andon.cord import LineState
from andon.kernel.identity import PLATFORM
from changing import MODEL, NAME, OLGA, ChangingLine, policy_version

ARM_1 = f"{MODEL}@1+{policy_version(1)}"
ARM_2 = f"{MODEL}@2+{policy_version(1)}"


def on(day: int, hour: int = 12, minute: int = 0) -> datetime:
    """Return a moment in March 2025."""
    return datetime(2025, 3, day, hour, minute, tzinfo=UTC)


def write_march(line: ChangingLine) -> None:
    """Six changes, of which one failed; after them an incident and a share of blind audits."""
    line.register(1, on(1, 8))
    line.register(2, on(1, 9))
    line.promote(1, on(1, 10), reason="the first")
    line.deploy(1, 1, on(1, 12))
    line.release(1, on(2), reason="go live")
    line.prove(ARM_1, 0.9, on(2, 13))
    line.split({"2": 10}, on(3, 9), reason="try version 2", shadows=(f"1+{_published(line, 2, on(3, 8))}",))
    line.prove(ARM_2, 0.8, on(3, 10))
    line.narrow(ARM_2, 0.85, on(3, 13, 30))
    line.pull(on(3, 13, 45), country="AT")
    line.let_go(on(3, 15), country="AT")
    line.promote(2, on(5), reason="better on fresh labels")
    line.split({}, on(5, 13), reason="promoted")
    line.set_policy(2, on(6), reason="new list")
    line.set_policy(1, on(6, 18), by=PLATFORM, reason="errors doubled")
    line.end_incident(line.open_incident(on(20)), on(20, 14))
    with line.database.begin() as tx:
        gates.set_audit_share(
            tx, NAME, 0.05, actor=OLGA, reason="look closer", events=line.events, now=on(21), least=0.01, most=0.2
        )
        spending.set_budget(tx, NAME, Budget(5.0), actor=OLGA, reason="cheaper", now=on(21, 13))
    line.deploy(2, 1, on(22))
    line.release(2, on(22, 13), reason="faster")
    line.pull(on(24), LineState.STOPPED)


def _published(line: ChangingLine, policy: int, at: datetime) -> str:
    line.publish(policy, at)
    return policy_version(policy)
