-- The training jobs of tuning jobs, found without reading the requests of those that have ended.

CREATE INDEX training_jobs_tuning_active ON training_jobs (tuning_job_name, tuning_number) WHERE phase <> 'Ended';
