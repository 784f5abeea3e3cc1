-- InvokeEndpointAsync: what was answered 202 and has neither a result nor a failure object yet.
CREATE TABLE async_invocations (
    id TEXT PRIMARY KEY,
    inference_id TEXT NOT NULL,
    endpoint_name TEXT NOT NULL COLLATE NOCASE,
    region TEXT NOT NULL,
    headers TEXT NOT NULL CHECK (json_valid(headers)), -- for the model server
    input_location TEXT, -- the payload's URI, or
    body BLOB, -- the payload itself
    output_location TEXT NOT NULL,
    failure_location TEXT,
    accepted_at REAL NOT NULL,
    expires_at REAL NOT NULL, -- when it may not be begun any more
    timeout_seconds REAL NOT NULL,
    attempts INTEGER NOT NULL DEFAULT 0, -- how many model servers ended in the middle of it
    CHECK ((input_location IS NULL) != (body IS NULL))
) STRICT;

CREATE INDEX async_invocations_by_endpoint ON async_invocations (endpoint_name, accepted_at);

CREATE INDEX async_invocations_by_expiry ON async_invocations (expires_at);
