"""The start page of the documentation: a short list for each role."""

import re
from pathlib import Path

PAGE = (Path(__file__).parents[2] / "docs" / "README.md").read_text(encoding="utf-8")
SECTIONS = dict(re.findall(r"^## (.+?)\n(.*?)(?=^## |\Z)", PAGE, re.MULTILINE | re.DOTALL))
MOST_LINKS = 7


def links_of(section: str) -> list[str]:
    return re.findall(r"^- \[.+?\]\((.+?)\)", section, re.MULTILINE)


def test_each_role_has_a_section() -> None:
    assert list(SECTIONS) == ["Builder", "Operator", "Reviewer", "Auditor", "Integrator"]


def test_no_role_is_given_more_links_than_a_person_follows() -> None:
    for role, section in SECTIONS.items():
        assert 1 <= len(links_of(section)) <= MOST_LINKS, role
        assert len(set(links_of(section))) == len(links_of(section)), role


def test_it_leads_to_all_pages() -> None:
    assert "](contents.md)" in PAGE
