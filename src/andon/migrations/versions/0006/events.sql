-- Whether it was published that an event is dead: workers publish what is not, many at once. What died before counts as published.
ALTER TABLE dead_events ADD COLUMN published boolean NOT NULL DEFAULT true;
ALTER TABLE dead_events ALTER COLUMN published SET DEFAULT false;
CREATE INDEX dead_events_unpublished ON dead_events (automation, stream) WHERE NOT published;
