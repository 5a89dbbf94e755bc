"""Proposals of a policy and its toolbox from a recorder's observations. A person must read both."""

import re
from collections.abc import Iterable
from pathlib import Path
from textwrap import dedent

from andon.mcp.errors import ProposalEmpty
from andon.mcp.guard.recording import ToolSeen


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_CHANGING = _words(
    """
    add approve archive block book buy cancel charge checkout clear close commit create delete deploy destroy disable
    drop edit erase exec execute forward insert install invite kill merge move order overwrite patch pay post publish
    push put refund reject remove rename reply reset restart revoke rm run send set share shutdown start stop submit
    transfer trigger truncate update upload withdraw write
    """
)
_READING = _words(
    """
    check convert count describe diff echo explain fetch find get help info inspect list lookup ls log peek ping
    preview query read resolve search show stat status summarize validate view
    """
)
_DECLARABLE = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_./-]{0,127}")
_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+")


def changes(tool: ToolSeen) -> bool:
    """Return whether a tool may change something, by its annotations and its name. In doubt, it may."""
    words = [word.lower() for word in _WORD.findall(tool.name)]
    if tool.annotations.get("destructiveHint") is True or _CHANGING.intersection(words):
        return True
    if isinstance(tool.annotations.get("readOnlyHint"), bool):
        return not tool.annotations["readOnlyHint"]
    return not _READING.intersection(words)


def policy_of(tools: Iterable[ToolSeen]) -> str:
    """Return the text of a policy that allows reads, asks about changes and denies the rest. Raises ProposalEmpty."""
    every = sorted(tools, key=lambda tool: tool.name)
    called = [tool for tool in every if tool.calls]
    if not called:
        raise ProposalEmpty
    reads = [tool for tool in called if not changes(tool)]
    asked = [tool for tool in called if changes(tool)]
    lines = [
        "# A proposal from recorded calls: read it, change it, then put it in force.",
        "outcomes: [allow, deny, ask]",
    ]
    lines += ["", "lists:"]
    lines += _list("reads", reads) if reads else []
    lines += _list("changes", asked) if asked else []
    lines += ["", "rules:"]
    lines += _rule("reads", "allow", "READ_ONLY") if reads else []
    lines += _rule("changes", "ask", "CHANGES_SOMETHING") if asked else []
    unseen = [tool.name for tool in every if not tool.calls]
    if unseen:
        lines.append("# Offered by the server and never called, so denied:")
        lines += [f"#   {_shown(name)}" for name in unseen]
        lines.append("")
    lines += ["# A tool that is in no list is denied.", "otherwise: deny", ""]
    return "\n".join(lines)


def toolbox_of(tools: Iterable[ToolSeen], *, name: str, policy: Path) -> str:
    """Return the Python declaration of the toolbox that the policy belongs to."""
    called = sorted(tool.name for tool in tools if tool.calls)
    listed = "\n".join(f"        {_declared(tool)}" for tool in called)
    head = dedent(
        f'''\
        """Tools of an MCP server that `andon mcp guard --toolbox {name}` stands in front of."""

        from andon import Policy, Review, Tool, Toolbox

        toolbox = Toolbox(
            "{name}",
            tools=[
        '''
    )
    tail = (
        "    ],",
        "    unlisted=True,  # so that a call of any other tool is a decision too, and denied",
        f'    policy=Policy.file("{policy}"),',
        f'    review=Review(queue="{name}"),',
        ")",
        "",
    )
    return "\n".join([f"{head}{listed}", *tail])


def _declared(tool: str) -> str:
    if _DECLARABLE.fullmatch(tool):
        return f'Tool("{tool}"),'
    return f"# {_shown(tool)}: no toolbox can have a tool of this name, so it is refused"


def _list(name: str, tools: list[ToolSeen]) -> list[str]:
    lines = [f"  {name}:"]
    for tool in tools:
        times = "once" if tool.calls == 1 else f"{tool.calls} times"
        lines.append(f"    - {_quoted(tool.name)}  # called {times}{_arguments(tool)}")
    return lines


def _arguments(tool: ToolSeen) -> str:
    said = []
    for name, kinds in sorted(tool.kinds.items()):
        words = sorted(tool.words.get(name, ()))[:10]
        said.append(
            f"{_shown(name)}: {'|'.join(sorted(kinds))}" + (f" ({', '.join(map(_shown, words))})" if words else "")
        )
    return f" with {'; '.join(said)}" if said else ""


def _rule(name: str, outcome: str, reason: str) -> list[str]:
    return [
        f"  - id: {name}",
        f"    when: input.tool in lists.{name}",
        f"    then: {outcome}",
        f"    reasons: [{reason}]",
        "",
    ]


def _shown(text: str) -> str:
    """Return a name for a comment: on one line, without control characters."""
    return "".join(sign if sign.isprintable() else "?" for sign in text)[:200]


def _quoted(text: str) -> str:
    return "'" + _shown(text).replace("'", "''") + "'"
