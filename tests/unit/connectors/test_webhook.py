"""Signatures by the published example, no way into the own network, and an honest reading of every status."""

import base64
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from andon.actions import AnswerKind
from andon.actions.over_http import answer_of, span_of
from andon.connectors.webhook.signing import SecretInvalid, Signer
from andon.kernel.addresses import AddressRefused, is_public, refuse_private

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
PUBLISHED_SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


def test_the_signature_is_that_of_the_published_example() -> None:
    signature = Signer([SecretStr(PUBLISHED_SECRET)]).sign(
        "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, b'{"test": 2432232314}'
    )
    assert signature == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_during_a_change_of_secret_both_sign() -> None:
    new = "whsec_" + base64.b64encode(b"n" * 32).decode()
    both = Signer([SecretStr(new), SecretStr(PUBLISHED_SECRET)]).sign("id", 1, b"{}")
    alone = [Signer([SecretStr(secret)]).sign("id", 1, b"{}") for secret in (new, PUBLISHED_SECRET)]
    assert both == " ".join(alone)


@pytest.mark.parametrize(
    "secret", ["hush-hush-hush", "whsec_hush-hush!", "whsec_aHVzaA==", "WHSEC_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"]
)
def test_a_secret_that_cannot_be_used_is_refused_without_being_shown(secret: str) -> None:
    with pytest.raises(SecretInvalid) as raised:
        Signer([SecretStr(secret)])
    assert secret.removeprefix("whsec_") not in str(raised.value)


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "10.1.2.3",
        "172.16.0.1",
        "192.168.1.1",
        "169.254.169.254",
        "100.64.0.1",
        "0.0.0.0",
        "224.0.0.1",
        "255.255.255.255",
        "::1",
        "::",
        "fe80::1%eth0",
        "fc00::1",
        "ff02::1",
        "::ffff:127.0.0.1",
        "::ffff:169.254.169.254",
        "2002:7f00:1::",
        "64:ff9b::7f00:1",
        "64:ff9b::a9fe:a9fe",
        "64:ff9b:1::7f00:1",
        "64:ff9b:1::808:808",
        "fec0::1",
        "::ffff:0:7f00:1",
        "::ffff:0:808:808",
        "::7f00:1",
    ],
)
def test_no_address_of_an_own_network_is_public_however_it_is_wrapped(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize("address", ["93.184.215.14", "2606:2800:21f:cb07:6820:80da:af6b:8b2c", "::ffff:93.184.215.14"])
def test_public_addresses_may_be_reached(address: str) -> None:
    assert is_public(address)


def test_one_private_address_among_public_ones_refuses_the_host() -> None:
    with pytest.raises(AddressRefused, match=r"10\.0\.0\.1"):
        refuse_private(["93.184.215.14", "10.0.0.1"])


@given(st.integers(200, 999))
def test_every_status_has_one_honest_meaning(status: int) -> None:
    answer = answer_of(status, "7", now=NOW)
    assert answer.status == status
    assert answer.disable == (status == 410)
    match answer.kind:
        case AnswerKind.DELIVERED:
            assert 200 <= status < 300
        case AnswerKind.REFUSED:
            assert 300 <= status < 500
            assert status not in (408, 409, 425, 429)
        case AnswerKind.UNKNOWN:
            assert status in (502, 504)
        case AnswerKind.FAILED:
            assert status >= 500 or status in (408, 409, 425, 429)
            assert answer.retry_after == timedelta(seconds=7)


@pytest.mark.parametrize(
    ("header", "span"),
    [
        (None, None),
        ("0", timedelta()),
        (" 120 ", timedelta(minutes=2)),
        ("Tue, 24 Nov 2026 12:01:00 GMT", timedelta(minutes=1)),
        ("Tue, 24 Nov 2026 11:00:00 GMT", timedelta()),
        ("-5", None),
        ("soon", None),
        ("", None),
        ("9" * 400, timedelta(seconds=10**9)),
    ],
)
def test_a_retry_after_is_seconds_or_a_date_and_nonsense_is_none(header: str | None, span: timedelta | None) -> None:
    assert span_of(header, now=NOW) == span
