-- Debugger's and Profiler's rules of training jobs, and how far their evaluation beside the job got.

CREATE TABLE evaluations (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,           -- never used again: a job of the same name has another one
    job_name   TEXT NOT NULL UNIQUE REFERENCES training_jobs (name) ON DELETE CASCADE,
    phase      TEXT NOT NULL CHECK (phase IN ('Waiting', 'Evaluating', 'Uploading', 'Ended')),
    attempt    INTEGER NOT NULL DEFAULT 1,                  -- of the job, whose files are judged
    starts     INTEGER NOT NULL DEFAULT 0,                  -- of the evaluator in this attempt
    started_at REAL,                                        -- the last of them
    version    INTEGER NOT NULL DEFAULT 1
);

CREATE INDEX evaluations_open ON evaluations (id) WHERE phase <> 'Ended';

CREATE TABLE rule_evaluations (
    job_name    TEXT NOT NULL REFERENCES training_jobs (name) ON DELETE CASCADE,
    kind        TEXT NOT NULL CHECK (kind IN ('Debug', 'Profiler')),
    number      INTEGER NOT NULL,                           -- its place in the request
    name        TEXT NOT NULL,                              -- RuleConfigurationName
    arn         TEXT,                                       -- RuleEvaluationJobArn
    status      TEXT NOT NULL CHECK (status IN (
        'InProgress', 'NoIssuesFound', 'IssuesFound', 'Error', 'Stopping', 'Stopped')),
    details     TEXT NOT NULL DEFAULT '',
    modified_at REAL NOT NULL,
    PRIMARY KEY (job_name, kind, name)
) WITHOUT ROWID;

-- Jobs of versions that evaluated no rules: those that have ended say so, the others begin now.
INSERT INTO rule_evaluations (job_name, kind, number, name, status, details, modified_at)
SELECT job.name, kind.value, rule.key, json_extract(rule.value, '$.RuleConfigurationName'),
    CASE job.phase WHEN 'Ended' THEN 'Error' ELSE 'InProgress' END,
    CASE job.phase WHEN 'Ended' THEN 'The job ran under a version of local_sagemaker that evaluated no rules.' ELSE '' END,
    job.modified_at
FROM training_jobs AS job, json_each('["Debug", "Profiler"]') AS kind,
    json_each(job.request, '$.' || kind.value || 'RuleConfigurations') AS rule;

INSERT INTO evaluations (job_name, phase, attempt)
SELECT name, CASE phase WHEN 'Ended' THEN 'Ended' ELSE 'Waiting' END, attempt
FROM training_jobs WHERE name IN (SELECT job_name FROM rule_evaluations);
