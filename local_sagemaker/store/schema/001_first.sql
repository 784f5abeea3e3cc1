-- The first schema. IF NOT EXISTS: it was in use before versions were counted.

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

CREATE TABLE IF NOT EXISTS training_jobs (
    name             TEXT PRIMARY KEY CHECK (length(name) BETWEEN 1 AND 63),
    arn              TEXT NOT NULL UNIQUE,
    region           TEXT NOT NULL,
    request          TEXT NOT NULL CHECK (json_valid(request)),   -- CreateTrainingJob's members, without Tags
    status           TEXT NOT NULL CHECK (status IN ('InProgress', 'Completed', 'Failed', 'Stopping', 'Stopped')),
    secondary_status TEXT NOT NULL CHECK (secondary_status IN (
        'Starting', 'Pending', 'Downloading', 'Training', 'Uploading', 'Stopping', 'Stopped', 'MaxRuntimeExceeded',
        'Completed', 'Failed')),
    phase            TEXT NOT NULL CHECK (phase IN ('Starting', 'Downloading', 'Training', 'Uploading', 'Ended')),
    failure_reason   TEXT,
    created_at       REAL NOT NULL,
    modified_at      REAL NOT NULL,
    started_at       REAL,                                        -- TrainingStartTime
    ended_at         REAL,                                        -- TrainingEndTime
    terminated_at    REAL,                                        -- when SIGTERM was sent
    termination      TEXT CHECK (termination IN ('Stopped', 'MaxRuntimeExceeded')),
    log_offset       INTEGER NOT NULL DEFAULT 0,                  -- bytes of the log whose metrics are in job_metrics
    tuning_job_name  TEXT REFERENCES tuning_jobs (name),
    tuning_number    INTEGER,                                     -- 1, 2, ... in its tuning job
    tuned            TEXT CHECK (tuned IS NULL OR json_valid(tuned)),              -- {hyperparameter: value}, the tuned ones
    version          INTEGER NOT NULL DEFAULT 1,
    CHECK ((phase = 'Ended') = (status IN ('Completed', 'Failed', 'Stopped'))),
    CHECK ((status = 'Failed') = (failure_reason IS NOT NULL)),
    CHECK ((terminated_at IS NULL) = (termination IS NULL)),
    CHECK ((tuning_job_name IS NULL) = (tuning_number IS NULL))
);

CREATE UNIQUE INDEX IF NOT EXISTS training_jobs_tuning ON training_jobs (tuning_job_name, tuning_number)
    WHERE tuning_job_name IS NOT NULL;

CREATE INDEX IF NOT EXISTS training_jobs_active ON training_jobs (created_at) WHERE phase <> 'Ended';

CREATE TABLE IF NOT EXISTS secondary_transitions (
    job_name       TEXT NOT NULL REFERENCES training_jobs (name) ON DELETE CASCADE,
    number         INTEGER NOT NULL,
    status         TEXT NOT NULL,
    started_at     REAL NOT NULL,
    ended_at       REAL,
    status_message TEXT NOT NULL,
    PRIMARY KEY (job_name, number)
) WITHOUT ROWID;

CREATE TABLE IF NOT EXISTS job_metrics (
    id        INTEGER PRIMARY KEY,
    job_name  TEXT NOT NULL REFERENCES training_jobs (name) ON DELETE CASCADE,
    name      TEXT NOT NULL,
    timestamp REAL NOT NULL,
    value     REAL                                                -- NULL: nan or infinite
);

CREATE INDEX IF NOT EXISTS job_metrics_by_job ON job_metrics (job_name, name, id);

-- Models, endpoint configurations, endpoints. Names differ by more than case, since ARNs are written in lower case.
CREATE TABLE IF NOT EXISTS definitions (
    kind TEXT NOT NULL CHECK (kind IN ('model', 'endpoint-config')),
    name TEXT NOT NULL COLLATE NOCASE,
    arn TEXT NOT NULL UNIQUE,
    created_at REAL NOT NULL,
    members TEXT NOT NULL, -- of CreateModel or CreateEndpointConfig, as JSON
    PRIMARY KEY (kind, name)
) STRICT;

CREATE TABLE IF NOT EXISTS endpoints (
    name TEXT PRIMARY KEY COLLATE NOCASE,
    arn TEXT NOT NULL UNIQUE,
    status TEXT NOT NULL CHECK (status IN ('Creating', 'InService', 'Updating', 'Deleting', 'Failed')),
    failure_reason TEXT,
    created_at REAL NOT NULL,
    modified_at REAL NOT NULL,
    active_id TEXT, -- the deployment that answers; in Failed and Deleting the last one
    pending_id TEXT, -- the deployment that shall answer
    CHECK ((status IN ('Creating', 'Updating')) = (pending_id IS NOT NULL)),
    CHECK ((status IN ('InService', 'Updating')) <= (active_id IS NOT NULL))
) STRICT;

-- What an endpoint runs, copied from its configuration and models at the moment it was asked for: both may be deleted
-- while the endpoint goes on. A deployment that is neither active nor pending is on its way out.
CREATE TABLE IF NOT EXISTS deployments (
    id TEXT PRIMARY KEY,
    endpoint_name TEXT NOT NULL COLLATE NOCASE REFERENCES endpoints (name),
    config_name TEXT NOT NULL,
    created_at REAL NOT NULL,
    variants TEXT NOT NULL -- JSON, see store/endpoints.py
) STRICT;

CREATE INDEX IF NOT EXISTS deployments_by_endpoint ON deployments (endpoint_name);

CREATE TABLE IF NOT EXISTS tags (
    arn   TEXT NOT NULL,
    key   TEXT NOT NULL CHECK (length(key) BETWEEN 1 AND 128),
    value TEXT NOT NULL CHECK (length(value) <= 256),
    PRIMARY KEY (arn, key)
) WITHOUT ROWID;
