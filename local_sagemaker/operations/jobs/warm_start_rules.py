"""What CreateHyperParameterTuningJob refuses in a WarmStartConfig, given its parents."""

from collections.abc import Mapping, Sequence
from typing import Any

from local_sagemaker.engine.tuning import search_space
from local_sagemaker.engine.tuning.definition import MAX_JOBS, Definition, definitions
from local_sagemaker.engine.tuning.results import ENDED
from local_sagemaker.engine.tuning.warm_start import parent_names
from local_sagemaker.errors import ValidationException
from local_sagemaker.operations.jobs.tuning_job_rules import check_quota
from local_sagemaker.operations.request_values import refuse_twice
from local_sagemaker.runtime.training.hyperparameters import TUNING_OBJECTIVE
from local_sagemaker.store.tuning_jobs import TuningJob

STRATEGIES = ("Bayesian", "Random")
MAX_CHANGES = 10
# What a definition may have otherwise than its parents', as AWS's own message lists it.
CHANGEABLE = (
    "algorithmSpecification",
    "inputDataConfig",
    "outputDataConfig",
    "staticHyperParameters",
    "roleArn",
    "resourceConfig",
    "stoppingCondition",
    "vpcConfig",
    "enableManagedSpotTraining",
    "checkpointConfig",
)
_ALIASES = {"HyperParameterTuningResourceConfig"}  # the other name of resourceConfig


def check_warm_start(members: Mapping[str, Any], parents: Mapping[str, TuningJob | None], jobs_of_parents: int) -> None:
    """Raise ValidationException or ResourceLimitExceeded for parents that the tuning job cannot have.

    `parents` holds what there is by each name, `jobs_of_parents` is the number of their training jobs: they count
    against the limit.
    """
    config = members["HyperParameterTuningJobConfig"]
    if config["Strategy"] not in STRATEGIES:
        raise ValidationException(f"Warm start uses the {' or '.join(STRATEGIES)} strategy, not {config['Strategy']}.")
    refuse_twice("parent hyperparameter tuning job", parent_names(members))
    [job] = definitions(members)
    for name, parent in parents.items():
        if parent is None:
            raise ValidationException(f"Parent hyperparameter tuning job {name} does not exist.")
        _check_parent(job, parent)
    check_quota(
        "Number of training jobs per hyperparameter tuning job",
        config["ResourceLimits"].get("MaxNumberOfTrainingJobs") or 0,
        MAX_JOBS[config["Strategy"]],
        used=jobs_of_parents,
    )


def _check_parent(job: Definition, row: TuningJob) -> None:
    if row.status not in ENDED:
        raise ValidationException(
            f"Parent hyperparameter tuning job {row.name} is in status {row.status}; it must be in a terminal state:"
            f" {', '.join(ENDED)}."
        )
    several = definitions(row.request)
    if len(several) > 1:
        raise ValidationException(
            f"Parent hyperparameter tuning job {row.name} tunes several algorithms: warm start is available only when"
            " tuning a single algorithm."
        )
    parent = several[0]
    if (job.metric, job.maximize) != (parent.metric, parent.maximize):
        raise ValidationException(
            f"The objective metric must be the same as that of the parent hyperparameter tuning job {row.name}:"
            f" {'Maximize' if parent.maximize else 'Minimize'} {parent.metric}."
        )
    if _hyperparameters(job) != _hyperparameters(parent):
        raise ValidationException(
            "The set of tunable plus static HyperParameter names is not the same across current and parent tuning jobs."
            " Please ensure this set is constant when warm starting. Note that previously static HyperParameters can be"
            " tuned in warm start jobs and vice versa. (The difference from"
            f" {row.name}: {', '.join(sorted(_hyperparameters(job) ^ _hyperparameters(parent)))}.)"
        )
    _check_kinds(job, parent, row.name)
    _check_changes(job, parent, row.name)
    _check_members(job, parent)


def _hyperparameters(definition: Definition) -> set[str]:
    return {*definition.static, *search_space.names(definition.ranges)} - {TUNING_OBJECTIVE}


def _check_kinds(job: Definition, parent: Definition, parent_name: str) -> None:
    kinds, before = search_space.kinds(job.ranges), search_space.kinds(parent.ranges)
    changed = sorted(name for name in kinds.keys() & before.keys() if kinds[name] != before[name])
    if changed:
        raise ValidationException(
            "The type of a hyperparameter (integer, continuous, categorical) must not change between parent and new"
            f" tuning job: {', '.join(changed)} in {parent_name}."
        )


def _check_changes(job: Definition, parent: Definition, parent_name: str) -> None:
    """A static value that changed counts as two, a range that became static as one, a category as one a value."""
    categories = {entry["Name"]: entry["Values"] for entry in parent.ranges.get("CategoricalParameterRanges") or ()}
    changes = 0
    for name, value in job.static.items():
        if name in parent.static:
            changes += 2 * (parent.static[name] != value)
        elif name != TUNING_OBJECTIVE:
            changes += len(categories.get(name, ("range",)))
    if changes > MAX_CHANGES:
        raise ValidationException(
            f"The number of changes of static hyperparameters against the parent hyperparameter tuning job"
            f" {parent_name} is {changes}, more than {MAX_CHANGES}: each changed value counts as 2, and each value of a"
            " categorical range that became static as 1."
        )


def _check_members(job: Definition, parent: Definition) -> None:
    names: Sequence[str] = sorted({*job.members, *parent.members} - _ALIASES)
    for name in names:
        changeable = name[0].lower() + name[1:] in CHANGEABLE
        if not changeable and (job.members.get(name) or None) != (parent.members.get(name) or None):
            if name in {"TuningObjective", "HyperParameterRanges", "DefinitionName"}:
                continue
            raise ValidationException(
                "Only the following fields in TrainingJobDefinition are allowed to change:"
                f" [{', '.join(CHANGEABLE)}]. ({name} is not the same as in the parent.)"
            )
