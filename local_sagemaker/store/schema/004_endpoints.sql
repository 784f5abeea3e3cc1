-- Endpoints: the status RollingBack, changes of weights and instance counts in place, traffic that moves over time,
-- asynchronous inference and data capture. SQLite cannot change a CHECK, so `endpoints` is built anew.

CREATE TABLE endpoints_new (
    name TEXT PRIMARY KEY COLLATE NOCASE,
    arn TEXT NOT NULL UNIQUE,
    status TEXT NOT NULL CHECK (
        status IN ('Creating', 'InService', 'Updating', 'RollingBack', 'Deleting', 'Failed')),
    failure_reason TEXT,
    created_at REAL NOT NULL,
    modified_at REAL NOT NULL,
    active_id TEXT, -- the deployment that answers, in Failed and Deleting the last one
    pending_id TEXT, -- the deployment that shall answer
    CHECK ((status = 'Creating') <= (pending_id IS NOT NULL)),
    CHECK ((pending_id IS NOT NULL) <= (status IN ('Creating', 'Updating'))),
    CHECK ((status IN ('InService', 'Updating', 'RollingBack')) <= (active_id IS NOT NULL))
) STRICT;

INSERT INTO endpoints_new
    SELECT name, arn, status, failure_reason, created_at, modified_at, active_id, pending_id FROM endpoints;

DROP TABLE endpoints;

ALTER TABLE endpoints_new RENAME TO endpoints;

-- JSON, see store/endpoints.py. `former_variants` is what `variants` were before a change that is under way.
ALTER TABLE deployments ADD COLUMN former_variants TEXT;

ALTER TABLE deployments ADD COLUMN deployment_config TEXT;

ALTER TABLE deployments ADD COLUMN async_inference TEXT;

ALTER TABLE deployments ADD COLUMN data_capture TEXT;

-- When traffic began to move to it.
ALTER TABLE deployments ADD COLUMN shift_started_at REAL;
