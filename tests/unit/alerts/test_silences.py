"""Silences: which alerts they mean, until when, and what is refused."""

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.alerts.sightings import MINUTE, NOON, an_id, bad_news

from andon.alerts import Alert, Silence, Silenced, SilenceInvalid
from andon.alerts.domain import raised, seen, sighted
from andon.alerts.silences import LONGEST, check_silence, silence_of
from andon.cord import Segment

NAMES = st.sampled_from(["a", "b"])
SEGMENTS = st.sampled_from([{}, {"country": "AT"}, {"country": "DE"}])
WHICH = st.builds(Silenced, st.none() | NAMES, st.none() | NAMES, st.none() | NAMES, st.none() | SEGMENTS)
SILENCES = st.lists(
    st.builds(
        lambda which, minutes, ended: Silence(
            an_id(minutes + 9), which, "noise", "otto", NOON, NOON + minutes * MINUTE, ended_at=NOON if ended else None
        ),
        WHICH,
        st.integers(-5, 60),
        st.booleans(),
    ),
    max_size=6,
)


def an_alert(automation: str, monitor: str, series: set[str], segment: Segment) -> Alert:
    """Return an alert with a finding in each series."""
    alert = None
    for name in sorted(series):
        news = bad_news(automation=automation, monitor=monitor, series=name, segment=segment, gathered=True)
        finding = seen(None, news, NOON)
        alert = raised(finding, news, an_id(1), an_id(2), NOON) if alert is None else sighted(alert, finding, news)
    assert alert is not None
    return alert


ALERTS = st.builds(an_alert, NAMES, NAMES, st.sets(NAMES, min_size=1), SEGMENTS)


@given(ALERTS, SILENCES)
def test_an_alert_is_silent_as_long_as_every_finding_has_a_silence(alert: Alert, silences: list[Silence]) -> None:
    found = silence_of(alert, silences, NOON)
    ends = [
        max(
            (
                one.ends_at
                for one in silences
                if one.ended_at is None
                and one.ends_at > NOON
                and one.which.automation in (None, alert.automation)
                and one.which.monitor in (None, alert.monitor)
                and one.which.series in (None, finding.series)
                and one.which.segment in (None, alert.segment)
            ),
            default=None,
        )
        for finding in alert.findings
    ]
    assert (found is None) == (None in ends)
    if found is not None:
        assert found.ends_at == min(one for one in ends if one is not None)
        assert silence_of(alert, silences, found.ends_at) is None


@given(ALERTS, WHICH)
def test_a_wider_silence_means_all_that_a_narrower_one_means(alert: Alert, which: Silenced) -> None:
    for part in ("automation", "monitor", "series", "segment"):
        if which.fits(alert, alert.findings[0]):
            assert replace(which, **{part: None}).fits(alert, alert.findings[0])


@given(ALERTS)
def test_no_silence_means_an_alert_of_a_drill(alert: Alert) -> None:
    assert not Silenced().fits(replace(alert, drill=an_id(1)), alert.findings[0])


@pytest.mark.parametrize(
    ("which", "lasts", "reason", "where"),
    [
        (Silenced(), MINUTE, "noise", "automation"),
        (Silenced(monitor="drift"), timedelta(0), "noise", "until"),
        (Silenced(monitor="drift"), LONGEST + MINUTE, "noise", "until"),
        (Silenced(monitor="drift"), MINUTE, " ", "reason"),
    ],
)
def test_what_cannot_be_meant_is_refused_with_its_field(
    which: Silenced, lasts: timedelta, reason: str, where: str
) -> None:
    with pytest.raises(SilenceInvalid) as refused:
        check_silence(which, NOON + lasts, reason, NOON)
    assert [fault.where for fault in refused.value.faults] == [where]
