"""The page "Work the review queue" names commands, routes and problems that exist."""

import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

from andon import reviews
from andon.access import ROLES, Permission, Role
from andon.cli import app
from andon.gateway import labels as label_routes
from andon.gateway import reviews as routes
from andon.gateway.problems import type_of

PAGE = (Path(__file__).parents[2] / "docs/how-to/work-the-review-queue.md").read_text(encoding="utf-8")
OTHER = (Path(__file__).parents[2] / "docs/how-to/receive-webhooks.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("line", re.findall(r"^andon (?:reviews|actions|labels) .*$", PAGE + OTHER, re.MULTILINE))
def test_every_command_and_option_exists(line: str) -> None:
    _, noun, verb, *rest = line.split()
    help_text = CliRunner().invoke(app, [noun, verb, "--help"], env={"COLUMNS": "200"})
    assert help_text.exit_code == 0
    for option in [word for word in rest if word.startswith("--")]:
        assert option in help_text.output


def test_the_roles_it_names_are_those_that_may_work_on_reviews() -> None:
    may = {role.value for role in Role if Permission.WORK_REVIEWS in ROLES[role]}
    assert may == {"reviewer", "operator", "owner", "admin"}


def test_every_route_exists() -> None:
    known = {(method, route.path) for route in routes.router.routes for method in route.methods}  # type: ignore[attr-defined]
    for method, path in re.findall(r"`(GET|POST) (/v1/reviews[^?` ]*)", PAGE):
        assert (method, path.replace("{id}", "{review_id}")) in known
    labelling = {(method, route.path) for route in label_routes.router.routes for method in route.methods}  # type: ignore[attr-defined]
    named = re.findall(r"`(GET|POST) (/v1/decisions[^?` ]*)", PAGE)
    spelled = {
        (method, path.replace("{id}", "{decision_id}").replace("{label}", "{label_id}")) for method, path in named
    }
    assert spelled == labelling


def test_every_problem_is_one_of_ours() -> None:
    ours = {type_of(name).rsplit(":", 1)[1] for name in reviews.__all__}
    named = re.findall(r"^\| `([a-z-]+)` \|", PAGE.partition("| problem |")[2], re.MULTILINE)
    assert len(named) == 6
    assert set(named) <= ours


def test_a_claim_lasts_as_long_as_it_says() -> None:
    assert f"For {reviews.CLAIM.seconds // 60} minutes" in PAGE
