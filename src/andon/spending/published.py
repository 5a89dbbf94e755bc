"""The events of budgets. Amounts are text, in units of the currency with nine decimals."""

from dataclasses import dataclass
from datetime import date
from typing import Annotated, ClassVar

from andon.kernel.events import DomainEvent


@dataclass(frozen=True, slots=True)
class BudgetChanged(DomainEvent):
    """The budget of an automation was set or changed."""

    type: ClassVar[str] = "andon.budget.changed"
    about: ClassVar[str] = "automation:{automation}"

    automation: Annotated[str, "Name of the automation."]
    per: Annotated[str, "`day` or `month`."]
    currency: Annotated[str, "ISO 4217 code."]
    amount: Annotated[str, "Amount that may be spent in a period."]
    per_before: Annotated[str | None, "Previous period, `day` or `month`; none if there was no budget."]
    currency_before: Annotated[str | None, "Previous ISO 4217 code."]
    amount_before: Annotated[str | None, "Previous amount for a period."]


@dataclass(frozen=True, slots=True)
class BudgetNearlySpent(DomainEvent):
    """Four fifths of a budget are spent. Published once per period."""

    type: ClassVar[str] = "andon.budget.nearly_spent"
    about: ClassVar[str] = "automation:{automation}"

    automation: Annotated[str, "Name of the automation."]
    per: Annotated[str, "`day` or `month`."]
    starts_on: Annotated[date, "First day of the period."]
    currency: Annotated[str, "ISO 4217 code."]
    amount: Annotated[str, "Amount that may be spent in the period."]
    spent: Annotated[str, "Amount spent."]


@dataclass(frozen=True, slots=True)
class BudgetUsedUp(DomainEvent):
    """A budget pays for no further prediction. Published once per period, and again if it is used up after a raise."""

    type: ClassVar[str] = "andon.budget.spent"
    about: ClassVar[str] = "automation:{automation}"

    automation: Annotated[str, "Name of the automation."]
    per: Annotated[str, "`day` or `month`."]
    starts_on: Annotated[date, "First day of the period."]
    currency: Annotated[str, "ISO 4217 code."]
    amount: Annotated[str, "Amount that may be spent in the period."]
    spent: Annotated[str, "Amount spent."]
