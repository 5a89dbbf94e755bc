"""The table of roles in the reference is the code's own, row by row."""

from pathlib import Path

from andon.access import ROLES, Permission, Role

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "access.md"


def rows_of_the_code() -> list[str]:
    lines = [f"| may | {' | '.join(Role)} |", "|---" * (len(Role) + 1) + "|"]
    for permission in Permission:
        marks = ("yes" if permission in ROLES[role] else "" for role in Role)
        lines.append(f"| {permission} | {' | '.join(marks)} |")
    return lines


def test_the_documented_roles_and_permissions_are_those_of_the_code() -> None:
    documented = [line for line in PAGE.read_text(encoding="utf-8").splitlines() if line.startswith("|")]
    assert documented == rows_of_the_code()
