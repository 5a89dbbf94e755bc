"""Web applications without an API: a declared script of steps in a real browser, one run at a time per account."""

from andon.actions.ports import Kind
from andon.connectors.browser.connector import BrowserConnector
from andon.connectors.browser.settings import BrowserOptions, BrowserSettings

KIND = Kind(
    summary="Steps in a web application, in a browser (extra browser).",
    connect=lambda surroundings: BrowserConnector(surroundings.clock, surroundings.evidence),
    options=BrowserOptions,
    settings=BrowserSettings,
)

__all__ = ["KIND", "BrowserConnector", "BrowserOptions", "BrowserSettings"]
