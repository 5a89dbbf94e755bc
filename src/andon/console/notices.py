"""What a page says after something was done. The address carries only which notice it is, never a text."""

from starlette.responses import RedirectResponse, Response

_NOTICES = {
    "alias-set": "The alias is set. Running gateways follow within a second.",
    "split-set": "The traffic is split. Running gateways follow within a second.",
    "split-same": "It was split like that already; nothing was changed.",
    "claimed": "The review is yours.",
    "released": "The review is free again.",
    "verdict": "The verdict is recorded, and what follows from it is on its way.",
    "resent": "The action is on its way again, under its old key.",
    "resent-many": "The dead letters are on their way again, each under its old key.",
    "confirmed": "The action is done: the receiver took it.",
}


def text(name: str) -> str | None:
    """The notice of this name, if there is one."""
    return _NOTICES.get(name)


def back_to(path: str, name: str) -> Response:
    """Show a page again after a change, with a notice."""
    return RedirectResponse(f"{path}?done={name}", status_code=303)
