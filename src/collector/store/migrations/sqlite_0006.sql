-- What has happened since a moment is counted by its word, without the events themselves.

DROP INDEX event_at;
CREATE INDEX event_at ON event (at, word);
