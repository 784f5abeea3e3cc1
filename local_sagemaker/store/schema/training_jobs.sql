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
