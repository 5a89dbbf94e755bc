"""The post office of the demo: mails arrive, are moved and flagged; what is sent is caught."""

import smtplib
from email.message import EmailMessage

from andon_demo.mails import Mails
from andon_demo.postoffice import Mailbox, MailCatcher, MailServer


def test_mails_arrive_in_the_inbox_and_are_moved_to_another_folder() -> None:
    first, second = Mails(1).take(2)
    with MailServer() as server, Mailbox(server.port) as mailbox, Mailbox(server.port) as other:
        mailbox.make_folders(["Cards"])
        for mail in (first, second):
            mailbox.deliver(mail.raw)
        found = other.messages("INBOX")
        assert list(found.values()) == [first.message_id, second.message_id]
        other.flag("INBOX", min(found), r"\Answered")
        other.move("INBOX", min(found), "Cards")
        assert list(mailbox.messages("INBOX").values()) == [second.message_id]
        assert list(mailbox.messages("Cards").values()) == [first.message_id]
        assert mailbox.messages("INBOX", after=max(found)) == {}


def test_what_is_sent_is_caught_with_its_recipients() -> None:
    message = EmailMessage()
    message["To"], message["Subject"] = "a@mail.example", "Your card"
    message.set_content("It is blocked.\n.a line that begins with a dot\n")
    with MailCatcher() as catcher, smtplib.SMTP("127.0.0.1", catcher.port, timeout=10) as client:
        client.send_message(message, "support@harbour.example", ["a@mail.example", "b@mail.example"])
        (caught,) = catcher.caught
    assert caught.recipients == ("a@mail.example", "b@mail.example")
    assert caught.message["Subject"] == "Your card"
    assert caught.message.get_content().splitlines()[1] == ".a line that begins with a dot"
