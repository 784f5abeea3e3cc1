-- Warm pools: one a training job that asked for one, or took over another's, with the job's instances in it.

CREATE TABLE warm_pools (
    training_job_name TEXT PRIMARY KEY REFERENCES training_jobs (name) ON DELETE CASCADE,
    status            TEXT NOT NULL CHECK (status IN ('InUse', 'Available', 'Reused', 'Terminated')),
    available_at      REAL,   -- the job's end, from which on the instances were kept
    keep_until        REAL,
    ended_at          REAL,   -- when it was Reused or Terminated
    reused_by         TEXT,   -- the name of a job
    CHECK ((status = 'Reused') = (reused_by IS NOT NULL)),
    CHECK (status <> 'Available' OR (available_at IS NOT NULL AND keep_until IS NOT NULL)),
    CHECK ((ended_at IS NOT NULL) = (status IN ('Reused', 'Terminated')))
);

CREATE INDEX warm_pools_by_status ON warm_pools (status, keep_until);
