"""Tags of resources, by ARN."""

from collections.abc import Iterable, Mapping

from local_sagemaker.store.database import Database

# Which table holds the resources that an ARN of this kind names. Each has a column `arn`.
TABLES: Mapping[str, str] = {
    "training-job": "training_jobs",
    "hyper-parameter-tuning-job": "tuning_jobs",
    "model": "definitions",
    "endpoint-config": "definitions",
    "endpoint": "endpoints",
}


def put_tags(database: Database, arn: str, tags: Iterable[Mapping[str, str]]) -> None:
    """Add tags `{"Key", "Value"}`; a key that is there takes the new value."""
    with database.transaction() as connection:
        connection.executemany(
            "INSERT INTO tags (arn, key, value) VALUES (?, ?, ?)"
            " ON CONFLICT (arn, key) DO UPDATE SET value = excluded.value",
            [(arn, tag["Key"], tag["Value"]) for tag in tags],
        )


def tags_of(database: Database, arn: str) -> list[dict[str, str]]:
    """The resource's tags `{"Key", "Value"}`, by key."""
    rows = database.connection.execute("SELECT key, value FROM tags WHERE arn = ? ORDER BY key", (arn,))
    return [{"Key": row["key"], "Value": row["value"]} for row in rows]


def delete_tags(database: Database, arn: str, keys: Iterable[str] | None = None) -> None:
    """Remove the tags with these keys, or all of the resource's."""
    with database.transaction() as connection:
        if keys is None:
            connection.execute("DELETE FROM tags WHERE arn = ?", (arn,))
        else:
            connection.executemany("DELETE FROM tags WHERE arn = ? AND key = ?", [(arn, key) for key in keys])


def resource_exists(database: Database, arn: str) -> bool:
    """Whether a resource with this ARN is there; an ARN of a kind that local_sagemaker does not have names none."""
    kind = arn.rpartition(":")[2].partition("/")[0]
    table = TABLES.get(kind)
    if table is None:
        return False
    row = database.connection.execute(f"SELECT 1 FROM {table} WHERE arn = ?", (arn,)).fetchone()  # noqa: S608 - a constant
    return row is not None
