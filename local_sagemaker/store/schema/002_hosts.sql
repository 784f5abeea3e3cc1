-- Training jobs of several hosts, restarts and managed spot training. SQLite cannot change a CHECK, so the table is
-- built anew.

CREATE TABLE training_jobs_new (
    name             TEXT PRIMARY KEY CHECK (length(name) BETWEEN 1 AND 63),
    arn              TEXT NOT NULL UNIQUE,
    region           TEXT NOT NULL,
    request          TEXT NOT NULL CHECK (json_valid(request)),   -- CreateTrainingJob's members, without Tags
    status           TEXT NOT NULL CHECK (status IN ('InProgress', 'Completed', 'Failed', 'Stopping', 'Stopped')),
    secondary_status TEXT NOT NULL CHECK (secondary_status IN (
        'Starting', 'Pending', 'Downloading', 'Training', 'Uploading', 'Stopping', 'Stopped', 'MaxRuntimeExceeded',
        'MaxWaitTimeExceeded', 'Interrupted', 'Restarting', 'Completed', 'Failed')),
    phase            TEXT NOT NULL CHECK (phase IN ('Starting', 'Downloading', 'Training', 'Uploading', 'Ended')),
    failure_reason   TEXT,
    created_at       REAL NOT NULL,
    modified_at      REAL NOT NULL,
    started_at       REAL,                                        -- TrainingStartTime
    ended_at         REAL,                                        -- TrainingEndTime
    terminated_at    REAL,                                        -- when SIGTERM was sent
    termination      TEXT CHECK (termination IN (
        'Stopped', 'MaxRuntimeExceeded', 'MaxWaitTimeExceeded', 'HostFailed', 'Interrupted')),
    log_offsets      TEXT NOT NULL DEFAULT '{}' CHECK (json_valid(log_offsets)),  -- {host: bytes whose metrics are in job_metrics}
    tuning_job_name  TEXT REFERENCES tuning_jobs (name),
    tuning_number    INTEGER,                                     -- 1, 2, ... in its tuning job
    tuned            TEXT CHECK (tuned IS NULL OR json_valid(tuned)),              -- {hyperparameter: value}, the tuned ones
    version          INTEGER NOT NULL DEFAULT 1,
    host_count       INTEGER NOT NULL DEFAULT 1,
    wait_until       REAL,                                        -- when it gives up to wait for its start
    attempt          INTEGER NOT NULL DEFAULT 1,                  -- counts its starts
    retries          INTEGER NOT NULL DEFAULT 0,                  -- those after an InternalServerError
    paused_at        REAL,                                        -- since when it waits for its next start
    paused_seconds   REAL NOT NULL DEFAULT 0,                     -- between its starts
    interruption     INTEGER NOT NULL DEFAULT 0,                  -- 1: its spot instances are to be taken away
    CHECK ((phase = 'Ended') = (status IN ('Completed', 'Failed', 'Stopped'))),
    CHECK ((status = 'Failed') = (failure_reason IS NOT NULL)),
    CHECK ((terminated_at IS NULL) = (termination IS NULL)),
    CHECK ((tuning_job_name IS NULL) = (tuning_number IS NULL))
);

INSERT INTO training_jobs_new (
    name, arn, region, request, status, secondary_status, phase, failure_reason, created_at, modified_at, started_at,
    ended_at, terminated_at, termination, log_offsets, tuning_job_name, tuning_number, tuned, version)
SELECT
    name, arn, region, request, status, secondary_status, phase, failure_reason, created_at, modified_at, started_at,
    ended_at, terminated_at, termination, json_object('algo-1', log_offset), tuning_job_name, tuning_number, tuned,
    version
FROM training_jobs;

DROP TABLE training_jobs;

ALTER TABLE training_jobs_new RENAME TO training_jobs;

CREATE UNIQUE INDEX training_jobs_tuning ON training_jobs (tuning_job_name, tuning_number)
    WHERE tuning_job_name IS NOT NULL;

CREATE INDEX training_jobs_active ON training_jobs (created_at) WHERE phase <> 'Ended';

CREATE INDEX training_jobs_waiting ON training_jobs (created_at) WHERE phase = 'Starting';
