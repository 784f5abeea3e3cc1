CREATE TABLE IF NOT EXISTS tuning_jobs (
    name              TEXT PRIMARY KEY CHECK (length(name) BETWEEN 1 AND 32),
    arn               TEXT NOT NULL UNIQUE,
    region            TEXT NOT NULL,
    request           TEXT NOT NULL CHECK (json_valid(request)),  -- CreateHyperParameterTuningJob's members, without Tags
    status            TEXT NOT NULL CHECK (status IN ('InProgress', 'Completed', 'Failed', 'Stopping', 'Stopped')),
    failure_reason    TEXT,
    seed              INTEGER NOT NULL,                           -- of the search; RandomSeed when it was given
    created_at        REAL NOT NULL,
    modified_at       REAL NOT NULL,
    ended_at          REAL,
    version           INTEGER NOT NULL DEFAULT 1,
    CHECK ((ended_at IS NOT NULL) = (status IN ('Completed', 'Failed', 'Stopped'))),
    CHECK ((status = 'Failed') = (failure_reason IS NOT NULL))
);
