"""The settings that a configuration names, in the order in which they are put in force."""

from collections import Counter
from collections.abc import Iterator, Mapping

from andon.authoring import Automation
from andon.kernel.errors import Fault
from andon.plans.configuration import ManagedAutomation, ManagedConfiguration
from andon.plans.errors import ConfigurationInvalid, ConfigurationUnknown
from andon.plans.ports import Declared, InForce
from andon.plans.settings.audit_share import AuditShareInForce
from andon.plans.settings.budget import BudgetInForce
from andon.plans.settings.champion import ChampionInForce
from andon.plans.settings.code import CodeInForce
from andon.plans.settings.cord_rules import CordRulesInForce
from andon.plans.settings.gate import NarrowingInForce
from andon.plans.settings.key import KeyInForce
from andon.plans.settings.policy import PolicyFileInForce
from andon.plans.settings.traffic import TrafficInForce

_ORDER = (
    CodeInForce,
    PolicyFileInForce,
    ChampionInForce,
    TrafficInForce,
    NarrowingInForce,
    CordRulesInForce,
    AuditShareInForce,
    BudgetInForce,
    KeyInForce,
)
"""Code comes before the settings that are checked against it; policies and champions before the arms they make."""


def settings_of(configuration: ManagedConfiguration, declared: Declared, texts: Mapping[str, str]) -> list[InForce]:
    """Return every setting that is named. `texts` are the policy files.

    Raises ConfigurationUnknown for an unknown automation, ConfigurationInvalid for a setting that is named twice.
    """
    unknown = [name for name in configuration.automations if name not in declared]
    if unknown:
        known = ", ".join(sorted(declared)) or "none"
        faults = [
            Fault(f"automations.{name}", f"This project declares no such automation; there are: {known}")
            for name in unknown
        ]
        raise ConfigurationUnknown(faults=faults)
    found: list[InForce] = [ChampionInForce(name, number) for name, number in configuration.champions.items()]
    found += [KeyInForce(name, one) for name, one in configuration.keys.items()]
    for name, one in configuration.automations.items():
        found += _of_automation(declared[name], one, texts)
    places = Counter(one.place for one in found)
    twice = [Fault(place, "It is named twice") for place, count in places.items() if count > 1]
    if twice:
        raise ConfigurationInvalid(faults=twice)
    return sorted(found, key=_order)


def _order(one: InForce) -> tuple[int, bool, str]:
    """Sort settings by kind and place. Keys that become admin come before those that cease to be."""
    return _ORDER.index(type(one)), isinstance(one, KeyInForce) and not one.makes_admin, one.place


def _of_automation(automation: Automation, one: ManagedAutomation, texts: Mapping[str, str]) -> Iterator[InForce]:
    if one.release:
        yield CodeInForce(automation)
    if one.policy is not None:
        yield PolicyFileInForce(automation, one.policy, texts[one.policy])
    if one.traffic is not None:
        yield TrafficInForce(automation, one.traffic, texts)
    for gate in one.gates or ():
        yield NarrowingInForce(automation, gate, None if gate.policy is None else texts[gate.policy])
    if one.cord_rules is not None:
        yield CordRulesInForce(automation, one.cord_rules)
    if one.audit_share is not None:
        yield AuditShareInForce(automation, one.audit_share)
    if one.budget is not None:
        yield BudgetInForce(automation, one.budget)
