"""Silences: which alerts they mean, until when, and what is refused."""

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.alerts.sightings import MINUTE, NOON, an_id

from andon.alerts import AlertKey, Silence, Silenced, SilenceInvalid
from andon.alerts.silences import LONGEST, check_silence, silence_of

NAMES = st.sampled_from(["a", "b"])
SEGMENTS = st.sampled_from([{}, {"country": "AT"}, {"country": "DE"}])
KEYS = st.builds(AlertKey, NAMES, NAMES, NAMES, SEGMENTS)
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


@given(KEYS, SILENCES)
def test_an_alert_is_silent_as_long_as_the_last_silence_that_means_it(key: AlertKey, silences: list[Silence]) -> None:
    found = silence_of(key, silences, NOON)
    meant = [
        one
        for one in silences
        if one.ended_at is None
        and one.ends_at > NOON
        and one.which.automation in (None, key.automation)
        and one.which.monitor in (None, key.monitor)
        and one.which.series in (None, key.series)
        and one.which.segment in (None, key.segment)
    ]
    assert (found is None) == (not meant)
    if found is not None:
        assert found.ends_at == max(one.ends_at for one in meant)
        assert silence_of(key, silences, found.ends_at) is None


@given(KEYS, WHICH)
def test_a_wider_silence_means_all_that_a_narrower_one_means(key: AlertKey, which: Silenced) -> None:
    for part in ("automation", "monitor", "series", "segment"):
        if which.fits(key):
            assert replace(which, **{part: None}).fits(key)


@given(KEYS)
def test_no_silence_means_an_alert_of_a_drill(key: AlertKey) -> None:
    assert not Silenced().fits(replace(key, drill=an_id(1)))


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
