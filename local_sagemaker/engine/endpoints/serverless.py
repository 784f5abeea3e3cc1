"""How many model servers a serverless variant has: none while nobody asks, more as more is asked at once."""

from collections.abc import Mapping


def wanted_servers(
    config: Mapping[str, int], running: int, *, invocations: int, idle_seconds: float, idle_limit: float, most: int
) -> int:
    """The model servers that a variant in service shall have.

    `running` is how many it shall have at present, `invocations` the most under way at once lately, those that wait
    included; after `idle_limit` of `idle_seconds` without any, what is not provisioned ends. `most` is what this
    machine runs.
    """
    most = max(1, min(config["MaxConcurrency"], most))
    provisioned = min(config.get("ProvisionedConcurrency", 0), most)
    if idle_seconds >= idle_limit:
        return provisioned
    return min(most, max(provisioned, running, invocations))


def servers_to_prove_it(config: Mapping[str, int], most: int) -> int:
    """The model servers that must answer before a serverless endpoint is in service: at least one."""
    return max(1, min(config.get("ProvisionedConcurrency", 0), most))
