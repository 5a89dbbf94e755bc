-- API keys and what they allow (access). Of a key only an HMAC is kept. Keys are revoked, never deleted: the audit log names them.
CREATE TABLE access_keys (
    id           uuid PRIMARY KEY,
    name         text NOT NULL,
    digest       bytea NOT NULL CHECK (octet_length(digest) = 32),
    reason       text NOT NULL,
    created_at   timestamptz NOT NULL,
    created_by   text NOT NULL,
    expires_at   timestamptz,
    revoked_at   timestamptz,
    revoked_by   text,
    last_used_at timestamptz
);
CREATE UNIQUE INDEX access_keys_name ON access_keys (name) WHERE revoked_at IS NULL;

-- A role within one automation, or everywhere (automation NULL).
CREATE TABLE access_grants (
    key_id     uuid NOT NULL REFERENCES access_keys (id),
    role       text NOT NULL CHECK (role IN ('caller', 'viewer', 'reviewer', 'operator', 'owner', 'auditor', 'admin')),
    automation text
);
CREATE UNIQUE INDEX access_grants_once ON access_grants (key_id, role, COALESCE(automation, ''));
