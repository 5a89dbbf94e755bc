"""Three standing people, so that every test can ask: may the owner, may the operator, may the stranger?

The owner and the operator belong to the automation LINE; the stranger has every role, but on another automation.
"""

from uuid import UUID

from andon.access import Grant, Principal, Role

LINE = "transfer-screening"
OTHER_LINE = "credit-scoring"


def a_person(name: str, *grants: Grant) -> Principal:
    """Somebody with these grants."""
    return Principal(UUID(int=sum(name.encode())), name, grants)


def the_owner(automation: str | None = LINE) -> Principal:
    """Olga owns the line."""
    return a_person("olga", Grant(Role.OWNER, automation))


def the_operator(automation: str | None = LINE) -> Principal:
    """Otto runs the line."""
    return a_person("otto", Grant(Role.OPERATOR, automation))


def the_stranger() -> Principal:
    """Stan may do everything elsewhere."""
    return a_person("stan", *(Grant(role, OTHER_LINE) for role in Role))


def the_admin() -> Principal:
    """Ada may do everything everywhere."""
    return a_person("ada", Grant(Role.ADMIN))
