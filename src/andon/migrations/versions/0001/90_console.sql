-- Who is signed in to the console (console.sessions). `id` is the SHA-256 of the cookie, which is kept nowhere.
CREATE TABLE console_sessions (
    id         bytea PRIMARY KEY,
    key_id     uuid NOT NULL,
    started_at timestamptz NOT NULL,
    seen_at    timestamptz NOT NULL
);
CREATE INDEX console_sessions_seen ON console_sessions (seen_at);
