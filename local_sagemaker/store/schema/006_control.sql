-- Orders of lists, so that a page is read from an index however many rows there are.

CREATE INDEX training_jobs_by_creation ON training_jobs (created_at, name);

CREATE INDEX training_jobs_by_status ON training_jobs (status, created_at, name);

CREATE INDEX definitions_by_creation ON definitions (kind, created_at, name);

CREATE INDEX job_metrics_by_time ON job_metrics (job_name, name, timestamp);
