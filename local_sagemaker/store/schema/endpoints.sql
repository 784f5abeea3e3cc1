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
