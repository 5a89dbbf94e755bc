"""The point from which on an attempt in a thread may have had its effect; before it, it can be given up."""

from threading import Lock

from andon.mail.errors import MailboxUnavailable


class Crossing:
    """One attempt: its thread calls `cross` before the effect, whoever gives it up calls `give_up`."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._crossed = self._given_up = False

    def cross(self) -> None:
        """Go on to the effect. Raises MailboxUnavailable if the attempt was given up: then there is none."""
        with self._lock:
            if self._given_up:
                raise MailboxUnavailable("the attempt was given up before")
            self._crossed = True

    def give_up(self) -> bool:
        """Give the attempt up; return whether it may have had its effect."""
        with self._lock:
            self._given_up = True
            return self._crossed
