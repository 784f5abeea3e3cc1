"""The hosts of a training job: as many process groups on this machine as AWS would start instances."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

HOMOGENEOUS = "homogeneousCluster"  # the group of a job that names none
NETWORK_INTERFACE = "lo"
ETC_HOSTS = Path("/etc/hosts")


@dataclass(frozen=True)
class InstanceGroup:
    """Hosts of one instance type."""

    name: str
    instance_type: str
    hosts: tuple[str, ...]


def instance_groups(resources: Mapping[str, Any]) -> tuple[InstanceGroup, ...]:
    """The groups of a ResourceConfig with the names of their hosts: algo-1, algo-2, ... through all groups."""
    asked = resources.get("InstanceGroups") or [{**resources, "InstanceGroupName": HOMOGENEOUS}]
    groups: list[InstanceGroup] = []
    for group in asked:
        before = sum(len(known.hosts) for known in groups)
        hosts = tuple(f"algo-{before + number}" for number in range(1, int(group.get("InstanceCount", 1)) + 1))
        groups.append(InstanceGroup(group["InstanceGroupName"], str(group.get("InstanceType")), hosts))
    return tuple(groups)


def host_names(request: Mapping[str, Any]) -> tuple[str, ...]:
    """The hosts of CreateTrainingJob's members."""
    return tuple(host for group in instance_groups(request.get("ResourceConfig") or {}) for host in group.hosts)


def addresses(hosts: Sequence[str]) -> dict[str, str]:
    """Each host's own loopback address: two hosts may listen on one port, as on two machines."""
    return {host: f"127.0.{2 + number // 250}.{1 + number % 250}" for number, host in enumerate(hosts)}


def hosts_file(hosts: Sequence[str]) -> str:
    """/etc/hosts of this machine with the job's hosts added."""
    machine = ETC_HOSTS.read_text(encoding="utf-8", errors="replace") if ETC_HOSTS.exists() else ""
    own = "".join(f"{address}\t{host}\n" for host, address in addresses(hosts).items())
    return f"{machine.rstrip()}\n{own}"
