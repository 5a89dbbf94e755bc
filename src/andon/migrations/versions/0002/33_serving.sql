-- Which versions of a model answer, and which only look on. Every change is a row; the newest of an endpoint holds.
CREATE TABLE traffic_splits (
    endpoint text NOT NULL,
    number   integer NOT NULL,
    shares   jsonb NOT NULL,
    shadows  jsonb NOT NULL,
    set_by   text NOT NULL,
    reason   text NOT NULL,
    set_at   timestamptz NOT NULL,
    places   jsonb NOT NULL,  -- the buckets of each version, as [first, end) pairs: an account is drawn into one of 10,000
    PRIMARY KEY (endpoint, number)
);

-- What a version said that only looked on, beside the decision that was made without it.
CREATE TABLE shadow_predictions (
    decision_id   uuid NOT NULL,
    endpoint      text NOT NULL,
    model_version integer NOT NULL,
    outcome       text,
    score         double precision,
    label         text,
    confidence    double precision,
    error         text,
    predicted_at  timestamptz NOT NULL,
    PRIMARY KEY (decision_id, model_version)
);
CREATE INDEX shadow_predictions_recent ON shadow_predictions (endpoint, model_version, predicted_at);
