"""The point after which an attempt in a thread may have taken effect. Before it, the attempt can be abandoned."""

from threading import Lock

from andon.mail.errors import MailboxUnavailable


class Crossing:
    """One attempt. Its thread calls `cross` before the effect; a caller that stops waiting calls `give_up`."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._crossed = self._given_up = False

    def cross(self) -> None:
        """Enter the part that takes effect. Raises MailboxUnavailable if the attempt was abandoned before."""
        with self._lock:
            if self._given_up:
                raise MailboxUnavailable("the attempt was given up before")
            self._crossed = True

    def give_up(self) -> bool:
        """Abandon the attempt. Return whether it may have taken effect."""
        with self._lock:
            self._given_up = True
            return self._crossed
