"""What a mail says: encodings, HTML, quotes and signatures, attachments, threads; and never an error but one."""

from datetime import UTC, datetime
from email.message import EmailMessage

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from pydantic_core import from_json, to_json

from andon.mail import MailAddress, MailLimits, MailUnreadable, identity, is_generated, parse

HEAD = b"From: zoe@customers.test\r\nSubject: Card\r\nMessage-ID: <m1@customers.test>\r\n"


def mail(body: bytes, *, head: bytes = b"", kind: bytes = b"text/plain; charset=utf-8") -> bytes:
    return HEAD + head + b"Content-Type: " + kind + b"\r\n\r\n" + body


def with_parts(*parts: bytes, kind: bytes = b"mixed") -> bytes:
    body = b"".join(b"--b\r\n" + part + b"\r\n" for part in parts) + b"--b--\r\n"
    return mail(body, kind=b"multipart/" + kind + b"; boundary=b")


TEXT = b"Content-Type: text/plain; charset=utf-8\r\n\r\nHello"
HTML = b"Content-Type: text/html; charset=utf-8\r\n\r\n<p>Hello <b>there</b></p>"


def test_headers_are_read_in_words() -> None:
    found = parse(
        mail(
            b"Hello",
            head=b'To: =?iso-8859-1?q?M=FCller=2C_Jo?= <jo@bank.test>, "Card, Team" <cards@bank.test>\r\n'
            b"Cc: plain@bank.test\r\nDate: Mon, 1 Dec 2025 10:00:00 +0100\r\n"
            b"References: <first@c.test>\r\n <second@b.test>\r\nIn-Reply-To: <second@b.test>\r\n"
            b"List-Id: News <news.c.test>\r\nAuto-Submitted: no\r\nX-Other: unseen\r\nContent-Language: de\r\n",
        )
    )
    assert found.to == [
        MailAddress("Müller, Jo", "jo@bank.test"),
        MailAddress("Card, Team", "cards@bank.test"),
        MailAddress("", "plain@bank.test"),
    ]
    assert (found.sender, found.message_id, found.language) == (
        MailAddress("", "zoe@customers.test"),
        "m1@customers.test",
        "de",
    )
    assert found.sent_at == datetime(2025, 12, 1, 9, tzinfo=UTC)
    assert found.thread == ["first@c.test", "second@b.test"]
    assert found.headers == {"list-id": "News <news.c.test>", "auto-submitted": "no", "content-language": "de"}


@pytest.mark.parametrize(
    ("subject", "read"),
    [
        (b"=?utf-8?b?S8OkcnRl?=", "Kärte"),
        (b"=?utf-8?q?K=C3=A4rte?= =?utf-8?q?_weg?=", "Kärte weg"),
        ("Kärte".encode(), "Kärte"),
        (b"K\xe4rte", "K\N{REPLACEMENT CHARACTER}rte"),
        (b"=?no-such?q?K=E4rte?=", "Kärte"),
        (b"=?utf-8?b?broken!?=", "=?utf-8?b?broken!?="),
        (b"one\r\n two", "one two"),
    ],
)
def test_a_subject_is_read_however_it_is_encoded(subject: bytes, read: str) -> None:
    raw = b"From: a@b.test\r\nSubject: " + subject + b"\r\n\r\nHello"
    assert parse(raw).subject == read


@pytest.mark.parametrize(
    ("charset", "body", "read"),
    [
        (b"utf-8", "Grüße".encode(), "Grüße"),
        (b"iso-8859-1", b"Gr\xfc\xdfe", "Grüße"),
        (b"no-such", b"Gr\xfc\xdfe", "Grüße"),
        (b"utf-8", b"Gr\xfc\xdfe", "Grüße"),
        (b"koi8-r", "Привет".encode("koi8-r"), "Привет"),
        (b"iso-2022-jp", "こんにちは".encode("iso-2022-jp"), "こんにちは"),
        (b"utf-8", b"a\x00b", "a\N{REPLACEMENT CHARACTER}b"),
    ],
)
def test_a_text_is_read_in_its_charset_or_the_likeliest(charset: bytes, body: bytes, read: str) -> None:
    assert parse(mail(body, kind=b"text/plain; charset=" + charset)).text == read


def test_of_alternatives_the_plain_text_is_taken_and_html_where_there_is_none() -> None:
    assert parse(with_parts(TEXT, HTML, kind=b"alternative")).text == "Hello"
    empty = b"Content-Type: text/plain\r\n\r\n "
    assert parse(with_parts(empty, HTML, kind=b"alternative")).text == "Hello there"


def test_html_becomes_text_without_what_nobody_sees() -> None:
    found = parse(
        mail(
            b"<html><head><title>no</title><style>p {}</style></head><body><script>no()</script><!-- no -->"
            b"<p>Dear&nbsp;bank,</p><p>my card<br>is <b>lost</b> &amp; gone</p><div style='display: none'>no</div>"
            b"<ul><li>one<li>two</ul><img src='https://evil.test/x.png' alt='no'></body></html>",
            kind=b"text/html",
        )
    )
    assert found.text == "Dear bank,\nmy card\nis lost & gone\none\ntwo"


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("<p>a</p><!-- no <p>no</p>", "a"),
        ("<p>a</p><!-- no", "a"),
        ("a<!-->b<!--->c<!-- no --!>d", "abcd"),
        ("a<![if !mso]>b<![endif]>c<![no no]>d", "abcd"),
        ("<script>if (a<b) { x = '</p>' }</script>a<style>p<b {}</style>b", "ab"),
        ("<b>1 < 2</b> & 2 &lt; 3 <", "1 < 2 & 2 < 3 <"),
    ],
)
def test_broken_html_is_read_as_a_browser_reads_it(html: str, text: str) -> None:
    found = parse(mail(html.encode(), kind=b"text/html"))
    assert (found.text, found.cut) == (text, False)


QUOTED = """Hi,
my card is lost.

Best regards,
Zoe

On Mon, 1 Dec 2025 at 10:00, Support <support@bank.test> wrote:
> What is wrong?
> > Hello
"""


def test_what_a_mail_quotes_and_its_signature_are_told_apart() -> None:
    found = parse(mail(QUOTED.encode()))
    assert found.text == "Hi,\nmy card is lost."
    assert found.signature == "Best regards,\nZoe"
    assert found.quoted.startswith("On Mon")
    assert "What is wrong?" in found.quoted


@pytest.mark.parametrize(
    ("text", "own"),
    [
        ("Ja, bitte.\n\nAm 01.12.2025 um 10:00 schrieb Support:\n> Sperren?", "Ja, bitte."),
        ("Oui.\n\nLe lun. 1 déc. 2025 à 10:00, Support <s@b.test> a écrit :\n> Bloquer ?", "Oui."),
        ("Yes.\n-- \nZoe\nBank of Tests", "Yes."),
        ("> What is wrong?\nMy card.", "My card."),
        ("> all of it", "> all of it"),
        ("No quote - at all.\n- one\n- two", "No quote - at all.\n- one\n- two"),
    ],
)
def test_a_reply_is_told_from_what_it_answers(text: str, own: str) -> None:
    assert parse(mail(text.encode())).text == own


def test_a_quote_in_html_is_a_quote() -> None:
    found = parse(mail(b"<div>Yes.</div><blockquote>Block it?</blockquote>", kind=b"text/html"))
    assert (found.text, found.quoted) == ("Yes.", "> Block it?")


def test_attachments_are_kept_as_they_are_under_a_harmless_name() -> None:
    evil = (
        b'Content-Type: application/x-msdownload; name="../../etc/passwd"\r\n'
        b"Content-Disposition: attachment; filename*=utf-8''..%2F..%2F%C3%BCbel%0A.exe\r\n"
        b"Content-Transfer-Encoding: base64\r\n\r\nTVo="
    )
    inner = b"Content-Type: message/rfc822\r\n\r\nSubject: inner\r\n\r\nfrom inside"
    unnamed = b"Content-Type: image/png\r\nContent-Transfer-Encoding: base64\r\n\r\n!!iVBO"
    found = parse(with_parts(TEXT, evil, inner, unnamed))
    assert found.text == "Hello"
    assert [(one.name, one.media_type) for one in found.attachments] == [
        ("übel .exe", "application/x-msdownload"),
        ("attachment", "message/rfc822"),
        ("attachment", "image/png"),
    ]
    assert found.attachments[0].content == b"MZ"
    assert b"from inside" in found.attachments[1].content


def test_a_text_that_is_attached_is_no_text_of_the_mail() -> None:
    attached = b"Content-Type: text/plain\r\nContent-Disposition: attachment; filename=a.txt\r\n\r\nelse"
    found = parse(with_parts(TEXT, attached))
    assert (found.text, [one.name for one in found.attachments]) == ("Hello", ["a.txt"])


def test_what_exceeds_a_limit_is_cut_and_says_so() -> None:
    found = parse(mail(b"a" * 30), MailLimits(max_text=20))
    assert (found.text, found.cut) == ("a" * 20, True)
    few = parse(mail(b"x", head=b"To: a@b.test, c@d.test, e@f.test\r\n"), MailLimits(max_recipients=2))
    assert ([one.address for one in few.to], few.recipients) == (["a@b.test", "c@d.test"], 3)


@pytest.mark.parametrize(
    ("raw", "limits", "why"),
    [
        (mail(b"x" * 200), MailLimits(max_bytes=100), "max_bytes"),
        (with_parts(TEXT, TEXT, TEXT), MailLimits(max_parts=3), "max_parts"),
        (
            with_parts(b"Content-Type: multipart/mixed; boundary=c\r\n\r\n--c\r\n\r\nx"),
            MailLimits(max_depth=1),
            "max_depth",
        ),
        (mail(b"x"), MailLimits(max_headers=2), "max_headers"),
        (mail(b"x"), MailLimits(max_header_bytes=20), "max_header_bytes"),
        (b"", MailLimits(), "no header"),
        (b"\r\n\r\nHello", MailLimits(), "no header"),
    ],
    ids=["bytes", "parts", "depth", "headers", "header-bytes", "empty", "headless"],
)
def test_what_cannot_be_read_says_why(raw: bytes, limits: MailLimits, why: str) -> None:
    with pytest.raises(MailUnreadable, match=why):
        parse(raw, limits)


def test_the_identity_is_that_of_all_copies_and_of_no_other_mail() -> None:
    raw = mail(b"Hello", head=b"Date: Mon, 1 Dec 2025 10:00:00 +0100\r\n")
    copy = b"Received: from a.test\r\nX-Spam: no\r\n" + raw
    assert parse(raw).identity == parse(copy).identity == identity(copy)[0]
    forged = raw.replace(b"zoe@", b"eve@")
    assert parse(forged).message_id == parse(raw).message_id
    assert parse(forged).identity != parse(raw).identity
    nameless = raw.replace(b"Message-ID: <m1@customers.test>\r\n", b"")
    assert parse(nameless).identity not in (parse(raw).identity, parse(b"X: y\r\n" + nameless).identity)


@pytest.mark.parametrize(
    ("headers", "generated"),
    [
        ({}, False),
        ({"auto-submitted": "no"}, False),
        ({"auto-submitted": "auto-replied; x"}, True),
        ({"precedence": "Bulk"}, True),
        ({"list-id": "<a.b>"}, True),
        ({"return-path": "<>"}, True),
        ({"x-priority": "1"}, False),
    ],
)
def test_a_mail_that_no_person_wrote_is_known(headers: dict[str, str], generated: bool) -> None:
    assert is_generated(headers) is generated


PIECES = st.sampled_from(
    [
        b"Content-Type: multipart/mixed; boundary=b\r\n",
        b"Content-Type: text/html; charset=",
        b"Content-Disposition: attachment; filename=",
        b"Content-Transfer-Encoding: base64\r\n",
        b"Subject: =?utf-8?q?",
        b"To: <",
        b"From: ",
        b"Date: ",
        b"--b\r\n",
        b"--b--",
        b"\r\n",
        b"\r\n\r\n",
        b"<p>",
        b"> ",
        b"=?",
        b"\x00",
        b"\xff",
        b'"',
        b"(",
    ]
)


@given(st.lists(PIECES | st.binary(max_size=12), max_size=30).map(b"".join))
@example(b"Content-Type: text/plain; charset*=\r\n\r\n")
def test_whatever_comes_is_read_or_refused_and_fits_into_an_event(raw: bytes) -> None:
    try:
        found = parse(b"From: a@b.test\r\n" + raw)
    except MailUnreadable as refused:
        if refused.__cause__ is not None:
            raise refused.__cause__ from None
        return
    data = found.data("INBOX", 1)
    assert from_json(to_json(data)) == data
    assert "\x00" not in to_json(data).decode()


@given(
    st.text(max_size=300), st.text(alphabet=st.characters(codec="utf-8", exclude_categories=("C", "Z")), max_size=40)
)
def test_what_a_mail_program_writes_is_read_as_it_was_meant(text: str, subject: str) -> None:
    made = EmailMessage()
    made["From"], made["Subject"] = "zoe@customers.test", subject
    made.set_content("Hello " + text.replace("\r", " ").replace("\x00", " "))
    found = parse(made.as_bytes())
    assert found.subject == subject
    assert found.text.startswith("Hello")
