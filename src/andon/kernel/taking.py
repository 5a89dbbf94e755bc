"""SQL that takes and settles outbox messages in one statement, for work that the same statement does."""

from collections.abc import Mapping


def taken_sql(parts: Mapping[str, str]) -> str:
    """Return the beginning of a statement that takes and settles due messages without a lane, so nobody claims them.

    `taken` are up to `:limit` messages of `:topic`, the oldest that are due at `:now`. `parts` are the required fields
    of a payload, by JSON type (also `strings`, an array of them, `objects`, an object of them, and `flag`, an optional
    boolean); they become columns of `taken`, each as JSON. A message that lacks one becomes dead, with the reason in
    `wrong`. No payload may contain a NUL, because PostgreSQL cannot parse such JSON.
    """
    lacking = (f"CASE WHEN {_unlike(f'p.{name}', kind)} THEN '{name}' END" for name, kind in parts.items())
    return f"""
WITH due AS (
    SELECT m.id, {", ".join(f"p.{name}" for name in parts)},
        'cannot be read: ' || nullif(concat_ws(', ', {", ".join(lacking)}), '') AS wrong
    FROM outbox AS m
    CROSS JOIN LATERAL json_to_record(CASE WHEN json_typeof(m.payload) = 'object' THEN m.payload ELSE '{{}}' END)
        AS p({", ".join(f"{name} json" for name in parts)})
    WHERE m.topic = :topic AND m.lane = '' AND m.state = 'pending' AND m.due_at <= :now
    ORDER BY m.due_at LIMIT :limit FOR UPDATE OF m SKIP LOCKED
), taken AS (
    UPDATE outbox AS m
    SET state = CASE WHEN due.wrong IS NULL THEN 'done' ELSE 'dead' END, last_error = due.wrong, settled_at = :now,
        attempts = m.attempts + 1
    FROM due WHERE m.id = due.id
    RETURNING m.id, m.scope, m.subject, m.correlation_id, m.traceparent, m.created_at, due.wrong,
        {", ".join(f"due.{name}" for name in parts)}
)"""


def _unlike(part: str, kind: str) -> str:
    """Return an expression for whether a part of a payload is not of a kind."""
    if kind == "flag":
        return f"coalesce(json_typeof({part}), 'boolean') <> 'boolean'"
    if kind not in _MEMBERS:
        return f"json_typeof({part}) IS DISTINCT FROM '{kind}'"
    whole, members, member = _MEMBERS[kind]
    other = f"EXISTS (SELECT FROM {members}({part}) AS e WHERE json_typeof(e.value) <> '{member}')"
    return f"CASE WHEN json_typeof({part}) IS DISTINCT FROM '{whole}' THEN true ELSE {other} END"


_MEMBERS = {
    "strings": ("array", "json_array_elements", "string"),
    "objects": ("object", "json_each", "object"),
}
"""Kinds with members: the JSON type of the whole, the function that lists its members, and the type of each member."""
