"""Ruling costs no memory: a gateway does it thousands of times a second, for weeks."""

import psutil

from andon import policies
from andon.policies import ValueKind

TABLE = """
outcomes: [release, review]
lists:
  sanctioned: [KP, IR]
rules:
  - {id: listed, when: 'input.country in lists.sanctioned || input.country == "XX"', then: review}
otherwise: release
"""
MOST = 4_000_000


def test_looking_up_in_a_list_leaves_nothing_behind() -> None:
    policy = policies.compile(policies.parse(TABLE, source="test"), {"input.country": ValueKind.STRING})

    def rule(times: int) -> None:
        for number in range(times):
            policy.evaluate({"country": f"no country of this name {number}"}, {}, {}, {})

    rule(5_000)
    before = psutil.Process().memory_info().rss
    rule(60_000)
    assert psutil.Process().memory_info().rss - before < MOST
