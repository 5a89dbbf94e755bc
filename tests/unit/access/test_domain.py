"""Who may do what, for every role, permission and scope; and nothing on one automation ever opens another."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.people import LINE, OTHER_LINE, a_person, the_admin, the_operator, the_owner, the_stranger

from andon.access import ROLES, Forbidden, Grant, Permission, Principal, Role

READS = {
    Permission.READ_OWN_DECISIONS,
    Permission.READ_DECISIONS,
    Permission.READ_AUTOMATIONS,
    Permission.READ_MODELS,
    Permission.READ_REVIEWS,
    Permission.READ_ACTIONS,
    Permission.READ_PROCEDURES,
    Permission.READ_STREAMS,
    Permission.READ_METRICS,
    Permission.READ_ALERTS,
}
EXPECTED = {
    Role.CALLER: {Permission.DECIDE, Permission.READ_OWN_DECISIONS, Permission.SEND_EVENTS},
    Role.AGENT: {Permission.CALL_TOOLS, Permission.READ_OWN_DECISIONS},
    Role.VIEWER: READS,
    Role.REVIEWER: READS | {Permission.WORK_REVIEWS, Permission.ADD_LABELS, Permission.READ_ATTACHMENTS},
    Role.OPERATOR: READS
    | {
        Permission.WORK_REVIEWS,
        Permission.ADD_LABELS,
        Permission.READ_ATTACHMENTS,
        Permission.DECIDE,
        Permission.RESEND_ACTIONS,
        Permission.SEND_EVENTS,
        Permission.CONTROL_PROCEDURES,
        Permission.RUN_STREAMS,
        Permission.MEND_EVENTS,
        Permission.SET_ALIAS,
        Permission.SET_SPLIT,
        Permission.RUN_ROLLOUT,
        Permission.PIN_VERSION,
        Permission.PULL_CORD,
        Permission.NARROW_GATES,
        Permission.WORK_ALERTS,
    },
    Role.OWNER: set(Permission) - {Permission.MANAGE_KEYS, Permission.VERIFY_AUDIT, Permission.CALL_TOOLS},
    Role.AUDITOR: READS | {Permission.READ_AUDIT, Permission.VERIFY_AUDIT},
    Role.ADMIN: set(Permission),
}
"""Written a second time on purpose: a change of what a role may must be made twice."""

automations = st.sampled_from(["a", "b", "ab", "a ", ""])
grants = st.builds(Grant, st.sampled_from(Role), st.none() | automations)


@pytest.mark.parametrize("role", Role)
@pytest.mark.parametrize("permission", Permission)
@pytest.mark.parametrize("scope", [None, LINE])
def test_each_role_may_exactly_what_the_table_says_where_it_was_granted(
    role: Role, permission: Permission, scope: str | None
) -> None:
    somebody = a_person("sam", Grant(role, scope))
    allowed = permission in EXPECTED[role]
    assert somebody.may(permission, LINE) is allowed
    assert somebody.may(permission, OTHER_LINE) is (allowed and scope is None)
    assert somebody.may(permission, None) is (allowed and scope is None)


@pytest.mark.parametrize("permission", Permission)
def test_the_stranger_may_nothing_on_the_line(permission: Permission) -> None:
    assert not the_stranger().may(permission, LINE)
    assert not the_stranger().may(permission, None)
    assert the_stranger().may(permission, OTHER_LINE)


@pytest.mark.parametrize("permission", Permission)
def test_somebody_without_a_grant_may_nothing(permission: Permission) -> None:
    nobody = a_person("nobody")
    assert not nobody.may(permission, LINE)
    assert nobody.scopes(permission) == []


@given(st.lists(grants, max_size=6), st.sampled_from(Permission), automations)
def test_no_grant_on_one_automation_gives_anything_on_another(
    held: list[Grant], permission: Permission, automation: str
) -> None:
    somebody = a_person("sam", *held)
    reaching = [grant for grant in held if grant.automation in (None, automation)]
    assert somebody.may(permission, automation) is any(permission in ROLES[grant.role] for grant in reaching)


@given(st.lists(grants, max_size=6), st.sampled_from(Permission), automations)
def test_the_scopes_of_a_permission_are_exactly_where_it_is_allowed(
    held: list[Grant], permission: Permission, automation: str
) -> None:
    somebody = a_person("sam", *held)
    scopes = somebody.scopes(permission)
    assert somebody.may(permission, automation) is (scopes is None or automation in scopes)
    assert somebody.may(permission, None) is (scopes is None)


@given(st.lists(grants, max_size=4), st.lists(grants, min_size=1, max_size=4))
def test_whoever_may_make_a_key_could_do_by_himself_all_that_it_opens(
    held: list[Grant], given_away: list[Grant]
) -> None:
    giver, taker = a_person("giver", *held), a_person("taker", *given_away)
    try:
        giver.require_over(given_away)
    except Forbidden:
        return
    for grant in given_away:
        for permission in Permission:
            if taker.may(permission, grant.automation):
                assert giver.may(permission, grant.automation)


def test_a_refusal_names_who_what_and_where() -> None:
    with pytest.raises(Forbidden, match="otto may not register models in transfer-screening"):
        the_operator().require(Permission.REGISTER_MODELS, LINE)
    with pytest.raises(Forbidden, match="olga may not manage keys across all automations"):
        the_owner(None).require(Permission.MANAGE_KEYS, None)


def test_an_admin_of_one_automation_gives_keys_for_that_one_only() -> None:
    local = a_person("lena", Grant(Role.ADMIN, LINE))
    local.require_over([Grant(Role.ADMIN, LINE), Grant(Role.CALLER, LINE)])
    for beyond in (Grant(Role.CALLER), Grant(Role.CALLER, OTHER_LINE)):
        with pytest.raises(Forbidden):
            local.require_over([Grant(Role.CALLER, LINE), beyond])
    the_admin().require_over([Grant(Role.ADMIN), Grant(Role.ADMIN, OTHER_LINE)])


def test_two_principals_with_the_same_grants_are_equal_and_can_be_kept_in_a_set() -> None:
    one, again = the_owner(), Principal(the_owner().id, "olga", the_owner().grants)
    assert {one, again} == {one}
