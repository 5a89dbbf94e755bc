"""Experiments in the browser: forecast, started, followed, and adopted or stopped."""

import re
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from playwright.sync_api import expect
from tests.browser import serving_world
from tests.browser.conftest import Bank, Visit
from tests.browser.test_layout import OVERFLOWING, UNNAMED
from tests.people import LINE
from tests.simulating import Simulated

from andon import experiments, serving
from andon.experiments import Experiment, ExperimentState, ExperimentWish
from andon.experiments.domain import EXPERIMENTS
from andon.experiments.estimates import ESTIMATES, note_point, pair_estimates
from andon.experiments.moving import ExperimentMover
from andon.experiments.sentences import standing_sentence
from andon.kernel.events import Events
from andon.kernel.identity import Actor
from andon.serving import Candidate
from andon.trials import save_counts

pytestmark = pytest.mark.browser

PAGE = f"/experiments/{LINE}/1"
RATES = (0.12, 0.05, 0.11)


@pytest.fixture
def experiment(bank: Bank, tmp_path: Path) -> Experiment:
    """Three versions that are compared for two hours, by a worker's own steps over simulated decisions."""
    began = bank.clock.now() - timedelta(hours=2)
    serving_world.more_versions(bank.database, tmp_path / "more", began)
    serving_world.a_deployment(bank.database, tmp_path / "deployed", bank.clock)
    wish = ExperimentWish(LINE, "fraud-risk", [Candidate(2), Candidate(3)], "overrides", "lower", "thompson")
    with bank.database.begin() as tx:
        one = experiments.start(
            tx, wish, actor=Actor("otto"), reason="which spares reviews?", events=Events(), now=began
        )
    run = Simulated(one, lambda rng, arm, _: float(rng.random() < RATES[arm]), 2)
    for step in range(1, 12):
        run.decide(150)
        at = began + timedelta(minutes=10) * step
        with bank.database.begin() as tx:
            before = run.experiment
            seen = replace(before, seen=before.seen + 150, why=standing_sentence(before, run.estimates))
            note_point(seen, run.estimates, seen.seen, at)
            save_counts(tx, seen.id, {ESTIMATES: run.estimates.body()})
            run.experiment = seen
            if run.allocate():
                run.experiment = ExperimentMover(tx, Events(), at).allocate(seen, run.experiment.shares, {})
            else:
                EXPERIMENTS.save(tx, seen)
    pairs = pair_estimates(run.experiment, run.estimates)
    assert any(one.better == 1 for one in pairs) or run.experiment.shares[1] > 60
    return run.experiment


def test_one_is_read_and_stopped_with_a_reason(visit: Visit, bank: Bank, experiment: Experiment) -> None:
    page = visit("otto")
    page.get_by_role("link", name="Experiments").click()
    page.wait_for_url("/experiments")
    page.get_by_role("link", name=f"{LINE} 1").click()
    page.wait_for_url(PAGE)
    expect(page.locator("#standing")).to_contain_text("fraud-risk@2")
    expect(page.locator("#standing .notice")).to_contain_text(experiment.why)
    rows = page.locator("#standing tbody tr")
    expect(rows).to_have_count(3)
    expect(rows.nth(1)).to_contain_text(f"{experiment.shares[1]:g} %")
    expect(page.locator("figure.plot canvas")).to_have_count(2)
    assert page.evaluate(OVERFLOWING) == []
    assert page.evaluate(UNNAMED) == []
    page.get_by_label("Reason").fill("the month is over")
    page.get_by_role("button", name="Stop").click()
    expect(page.get_by_role("status")).to_contain_text("The experiment is stopped")
    expect(page.locator("#standing .notice")).to_contain_text("the month is over")
    with bank.database.begin() as tx:
        assert experiments.show(tx, LINE).experiment.state is ExperimentState.STOPPED
        assert serving.split_of(tx, LINE, "fraud-risk").shares == {}


def test_the_winner_is_adopted_by_who_may_and_an_operator_is_not_offered_it(
    visit: Visit, bank: Bank, experiment: Experiment
) -> None:
    with bank.database.begin() as tx:
        ExperimentMover(tx, Events(), bank.clock.now()).decide(
            experiment, experiment.arms[1], "fraud-risk@2 is better", {}
        )
    page = visit("otto", width=390, dark=True)
    page.goto(PAGE)
    assert page.evaluate(OVERFLOWING) == []
    expect(page.get_by_role("button", name="Adopt")).to_have_count(0)
    page = visit("ada")
    page.goto(PAGE)
    page.get_by_label("Reason").fill("spares half of the overrides")
    page.get_by_role("button", name="Adopt").click()
    expect(page.get_by_role("status")).to_contain_text("The winner has taken over")
    with bank.database.begin() as tx:
        assert serving.champion_of(tx, "fraud-risk") == 2


def test_one_is_forecast_started_and_seen_and_what_is_wrong_stands_at_its_field(
    visit: Visit, bank: Bank, tmp_path: Path
) -> None:
    serving_world.more_versions(bank.database, tmp_path / "more", bank.clock.now(), seeds=(2,))
    serving_world.a_deployment(bank.database, tmp_path / "deployed", bank.clock)
    page = visit("ada")
    page.goto(f"/automations/{LINE}")
    page.get_by_role("button", name="Start an experiment").click()
    expect(page.get_by_role("button", name="Start the experiment")).to_have_count(0)
    page.get_by_label("Version of arm 1").select_option("2")
    page.get_by_label("Percent for arm 1").fill("half")
    page.get_by_label("Percent for arm 2").fill("10")
    page.get_by_label("Ends after time").fill("soon")
    page.get_by_role("button", name="Show the forecast").click()
    wrong = ["A share is a percent", "Choose the version that gets", "Choose the measure", "such as 14d"]
    expect(page.locator("p.wrong")).to_have_text([re.compile(one) for one in wrong])
    expect(page.get_by_label("Percent for arm 1")).to_have_value("half")
    page.get_by_label("Percent for arm 1").fill("20")
    page.get_by_label("Percent for arm 2").fill("")
    page.get_by_label("Measure").select_option("automatic")
    page.get_by_label("Better is").select_option("lower")
    page.get_by_label("Ends after time").fill("14d")
    page.get_by_role("button", name="Show the forecast").click()
    expect(page.locator("p.wrong")).to_have_text("For automatic, higher is better")
    page.get_by_label("Better is").select_option("")
    page.get_by_role("button", name="Show the forecast").click()
    expect(page.get_by_role("heading", name="What it takes")).to_be_visible()
    expect(page.get_by_role("row", name="50 % more or less automatic")).to_contain_text("accounts")
    expect(page.get_by_text("fraud-risk@1 80 %, fraud-risk@2 20 %")).to_be_visible()
    assert (page.evaluate(OVERFLOWING), page.evaluate(UNNAMED)) == ([], [])
    page.get_by_role("button", name="Start the experiment").click()
    expect(page.get_by_role("alert")).to_contain_text("A reason is required")
    expect(page.get_by_role("heading", name="What it takes")).to_be_visible()
    page.get_by_label("Reason").fill("which asks less often?")
    page.get_by_label("Traffic").select_option("thompson")
    page.get_by_label("Percent for arm 1").fill("")
    page.get_by_role("button", name="Start the experiment").click()
    expect(page.get_by_role("status").filter(has_text="This is the forecast now")).to_be_visible()
    page.get_by_role("button", name="Start the experiment").click()
    page.wait_for_url(f"{PAGE}?done=experiment-started")
    with bank.database.begin() as tx:
        one = experiments.show(tx, LINE).experiment
    assert (one.started_by, one.reason, one.allocation) == ("ada", "which asks less often?", "thompson")
    assert (one.measure, one.better, one.unit, one.shares) == ("automatic", "higher", "decision", (50.0, 50.0))
    page.goto(f"/automations/{LINE}")
    expect(page.get_by_text("An experiment is under way. A split by hand ends it.")).to_be_visible()
    page.set_viewport_size({"width": 390, "height": 900})
    page.goto("/experiments")
    page.get_by_role("button", name="Start an experiment").click()
    expect(page.get_by_text("Only one can run at a time")).to_be_visible()
    page.get_by_label("Version of arm 4").select_option("2")
    page.get_by_label("Measure").select_option("errors")
    page.get_by_role("button", name="Show the forecast").click()
    page.get_by_label("Reason").fill("another one")
    page.get_by_role("button", name="Start the experiment").click()
    expect(page.get_by_role("alert")).to_contain_text(f"andon experiment stop {LINE} --number 1")
    assert (page.evaluate(OVERFLOWING), page.evaluate(UNNAMED)) == ([], [])
    reader = visit("vera")
    reader.goto("/experiments")
    expect(reader.get_by_text("Start an experiment")).to_have_count(0)
    assert reader.goto(f"/experiments/start?automation={LINE}").status == 403
