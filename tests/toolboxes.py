"""The toolbox of most tests: a bank's, whose policy allows small refunds, asks about others and denies the rest."""

from datetime import timedelta

from andon import CallKey, Policy, Review, Tool, Toolbox, http

POLICY = """
outcomes: [allow, deny, ask]
lists:
  harmless: [balance, notify]
rules:
  - {id: harmless, when: 'input.tool in lists.harmless', then: allow}
  - {id: small, when: 'input.tool == "refund" && input.arguments.amount <= 50', then: allow, reasons: [SMALL]}
  - {id: large, when: 'input.tool == "refund"', then: ask, reasons: [LARGE]}
otherwise: deny
"""


def balance(account: str) -> dict[str, float]:
    """Say what is in an account."""
    return {account: 100.0}


def refund(account: str, amount: float, key: CallKey) -> str:
    """Pay money back."""
    return f"{amount:g} to {account} under {key}"


def close_account(account: str) -> None:
    """Close an account for ever."""


def a_toolbox(*, policy: str = POLICY, approval: timedelta = timedelta(hours=1)) -> Toolbox:
    """Return the bank's tools."""
    return Toolbox(
        "bank-tools",
        tools=[
            balance,
            refund,
            close_account,
            Tool("notify", via=http("bank", "/notify", body={"text": "{input.arguments.text}"})),
        ],
        policy=Policy.yaml(policy),
        review=Review(queue="agents", due=timedelta(hours=2)),
        approval=approval,
    )
