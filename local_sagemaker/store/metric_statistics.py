"""The metrics of training jobs as CloudWatch shows them: grouped by periods of time."""

from dataclasses import dataclass

from local_sagemaker.store.database import Database


@dataclass(frozen=True)
class Statistics:
    """What is known of a period's values; `count` is at least 1."""

    count: int
    total: float
    least: float
    most: float


def statistics(
    database: Database, job_name: str, metric: str, *, start: float, end: float, period: int
) -> list[tuple[float, Statistics]]:
    """The periods of [start, end) that have finite values, by their beginnings (epoch seconds), oldest first."""
    found = database.connection.execute(
        "SELECT CAST((timestamp - :start) / :period AS INTEGER) AS number,"
        " count(value), sum(value), min(value), max(value)"
        " FROM job_metrics WHERE job_name = :job AND name = :metric AND value IS NOT NULL"
        " AND timestamp >= :start AND timestamp < :end GROUP BY number ORDER BY number",
        {"job": job_name, "metric": metric, "start": start, "end": end, "period": period},
    )
    return [(start + number * period, Statistics(*values)) for number, *values in found]


def published(
    database: Database, *, job: str | None, name: str | None, after: tuple[str, str], limit: int
) -> list[tuple[str, str]]:
    """(training job, metric) of what has a finite value, in that order, from behind `after` on."""
    found = database.connection.execute(
        "SELECT DISTINCT job_name, name FROM job_metrics WHERE (job_name, name) > (:after_job, :after_name)"
        " AND (:job IS NULL OR job_name = :job) AND (:name IS NULL OR name = :name) AND value IS NOT NULL"
        " ORDER BY job_name, name LIMIT :limit",
        {"after_job": after[0], "after_name": after[1], "job": job, "name": name, "limit": limit},
    )
    return [(row["job_name"], row["name"]) for row in found]
