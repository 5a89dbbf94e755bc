"""A configuration folder is read strictly: each fault is named by file and field, all of them at once."""

from pathlib import Path

import pytest

from andon.kernel.errors import Fault
from andon.plans import (
    ConfigurationInvalid,
    ConfigurationUnknown,
    check_posted,
    naming_files,
    read_folder,
    read_policies,
    read_texts,
    settings_of,
)
from automations import an_automation

WRONG = """
champions: {fraud-risk: 0}
automation: {}
automations:
  payments:
    audit_shares: 0.1
    release: false
    gates: [{at_least: 3}]
    cord_rules: [{monitor: errors, holds: everything}]
    traffic:
      shares: [{version: 3, percent: 0}, {percent: 5}]
    budget: {amount: 0, per: week}
keys:
  both: {grants: [{role: viewer}], revoked: true}
  neither: {}
  nothing: {grants: []}
  wizard: {grants: [{role: wizard}]}
  secret: {revoked: true, token: andon_0}
"""


def written(folder: Path, **files: str) -> Path:
    for name, text in files.items():
        (folder / f"{name}.yaml").write_text(text)
    return folder


def test_every_fault_is_named_by_its_field(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationInvalid) as refused:
        read_folder(written(tmp_path, wrong=WRONG))
    places = {fault.where.removeprefix(f"{tmp_path}/wrong.yaml: ") for fault in refused.value.faults}
    assert places == {
        "champions.fraud-risk",
        "automation",
        "automations.payments.audit_shares",
        "automations.payments.release",
        "automations.payments.gates[0].at_least",
        "automations.payments.cord_rules[0].holds",
        "automations.payments.traffic.shares[0].percent",
        "automations.payments.traffic.shares[1].version",
        "automations.payments.budget.amount",
        "automations.payments.budget.per",
        "keys.both",
        "keys.neither",
        "keys.nothing.grants",
        "keys.wizard.grants[0].role",
        "keys.secret.token",
    }


def test_several_files_are_one_configuration(tmp_path: Path) -> None:
    folder = written(tmp_path, a="champions: {x: 1}", b="automations: {payments: {audit_share: 0.1}}", c="")
    found = read_folder(folder)
    assert (found.champions, found.automations["payments"].audit_share) == ({"x": 1}, 0.1)
    assert found.automations["payments"].cord_rules is None


def test_a_name_in_two_files_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationInvalid) as refused:
        read_folder(written(tmp_path, a="champions: {x: 1}", b="champions: {x: 2}"))
    assert [fault.where for fault in refused.value.faults] == [f"{tmp_path}/b.yaml: champions.x"]


def test_a_folder_without_files_is_no_configuration(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationUnknown, match="No configuration"):
        read_folder(tmp_path)


def test_a_missing_policy_file_is_named_by_its_field(tmp_path: Path) -> None:
    text = "automations: {payments: {traffic: {shadows: [{version: 1, policy: nowhere.yaml}]}}}"
    with pytest.raises(ConfigurationInvalid) as refused:
        read_policies(read_folder(written(tmp_path, a=text)), tmp_path)
    assert refused.value.faults[0].where == "automations.payments.traffic.shadows[0].policy"


def test_unknown_automations_and_gates_named_twice_are_refused(tmp_path: Path) -> None:
    twice = "automations: {payments: {gates: [{at_least: 0.9}, {at_least: 0.8}]}}"
    declared = {"payments": an_automation()}
    with pytest.raises(ConfigurationUnknown, match="does not exist"):
        settings_of(read_folder(written(tmp_path, a="automations: {payment: {audit_share: 0.1}}")), declared, {})
    with pytest.raises(ConfigurationInvalid) as refused:
        settings_of(read_folder(written(tmp_path, a=twice)), declared, {})
    assert refused.value.faults[0].where == "automations.payments.gates.champion"


def test_posted_texts_need_their_policies_and_bring_no_code() -> None:
    text = '{"automations": {"payments": {"policy": "new.yaml", "release": true, "gates": [{"at_least": 1.0}]}}}'
    posted = read_texts({"a.json": text})
    with pytest.raises(ConfigurationInvalid) as refused, naming_files(posted.files):
        check_posted(posted, {"other.yaml": ""})
    assert [(one.where, one.message) for one in refused.value.faults] == [
        ("a.json: automations.payments.policy", "new.yaml is not among the posted `policies`"),
        ("a.json: automations.payments.release", "A request contains no code: release a version that gateways have"),
    ]


def test_the_file_of_a_fault_is_that_of_the_whole_name() -> None:
    files = {"keys.bank": "a.yaml", "keys.bank.of.england": "b.yaml"}
    with pytest.raises(ConfigurationUnknown) as refused, naming_files(files):
        raise ConfigurationUnknown(faults=[Fault("keys.bank.of.england", "x"), Fault("keys.banker", "y")])
    assert [one.where for one in refused.value.faults] == ["b.yaml: keys.bank.of.england", "keys.banker"]


def test_keys_that_become_admin_come_first() -> None:
    text = "keys: {a: {grants: [{role: viewer}]}, b: {revoked: true}, c: {grants: [{role: viewer}, {role: admin}]}}"
    assert [one.place for one in settings_of(read_texts({"a": text}), {}, {})] == ["keys.c", "keys.a", "keys.b"]
