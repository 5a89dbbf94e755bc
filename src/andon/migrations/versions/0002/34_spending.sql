-- What computing cost, summed by automation, model version (0: none was asked) and UTC day. Money is in nano-units of the
-- currency (a decision costs about one). Gateways and workers add to it about once a second.
CREATE TABLE spend (
    day        date NOT NULL,
    automation text NOT NULL,
    version    integer NOT NULL,
    currency   text NOT NULL,
    decisions  bigint NOT NULL,
    cpu_us     bigint NOT NULL,
    gpu_us     bigint NOT NULL,
    cost       bigint NOT NULL,
    PRIMARY KEY (day, automation, version, currency)
);
CREATE INDEX spend_of_automation ON spend (automation, day);

-- What the serving processes used that no decision did.
CREATE TABLE spend_idle (
    day      date NOT NULL,
    currency text NOT NULL,
    cpu_us   bigint NOT NULL,
    cost     bigint NOT NULL,
    PRIMARY KEY (day, currency)
);

-- The last addition of each process, so that one whose commit was not answered is not made twice.
CREATE TABLE spend_writers (
    writer   uuid PRIMARY KEY,
    number   bigint NOT NULL,
    added_at timestamptz NOT NULL
);

-- One row for each automation and day or month with a budget. spent + reserved stays below spendable, which is less than
-- the amount; `reserved` is the sum of what the purses below hold and have not spent.
CREATE TABLE budgets (
    automation  text NOT NULL,
    per         text NOT NULL,
    starts_on   date NOT NULL,
    currency    text NOT NULL,
    ends_on     date NOT NULL,
    amount      bigint NOT NULL,
    spent       bigint NOT NULL DEFAULT 0 CHECK (spent >= 0),
    reserved    bigint NOT NULL DEFAULT 0 CHECK (reserved >= 0),
    opened_at   timestamptz NOT NULL,
    nearly_at   timestamptz,
    used_up_at  timestamptz,
    PRIMARY KEY (automation, per, starts_on, currency)
);

-- What one process may pay from: granted, and used of it as far as it said. After `until` all of it counts as spent.
CREATE TABLE budget_purses (
    purse      uuid NOT NULL,
    automation text NOT NULL,
    per        text NOT NULL,
    starts_on  date NOT NULL,
    currency   text NOT NULL,
    granted    bigint NOT NULL,
    used       bigint NOT NULL CHECK (used >= 0),
    until      timestamptz NOT NULL,
    PRIMARY KEY (automation, per, starts_on, currency, purse),
    FOREIGN KEY (automation, per, starts_on, currency) REFERENCES budgets,
    CHECK (granted >= used)
);
