"""Every operation that local_sagemaker has, by service and name. An operation is one small function.

It takes the context and the decoded, validated request (PascalCase members, as in botocore's model) and answers the
response's members. Most are plain functions over SQLite and run in the event loop; one that waits for somebody else
(a model server) is a coroutine function.
"""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from local_sagemaker.operations import iam, sts, tags
from local_sagemaker.operations.context import Context
from local_sagemaker.operations.hosting import async_invocations, endpoint_configs, endpoints, invocations, models
from local_sagemaker.operations.jobs import job_deletion, training_job_updates, training_jobs, tuning_jobs
from local_sagemaker.operations.monitoring import cloudwatch, log_search, log_streams, logs

Members = dict[str, Any]
Operation = Callable[[Context, Members], Members | Awaitable[Members]]

OPERATIONS: Mapping[tuple[str, str], Operation] = {
    ("sagemaker", "CreateTrainingJob"): training_jobs.create_training_job,
    ("sagemaker", "DescribeTrainingJob"): training_jobs.describe_training_job,
    ("sagemaker", "ListTrainingJobs"): training_jobs.list_training_jobs,
    ("sagemaker", "UpdateTrainingJob"): training_job_updates.update_training_job,
    ("sagemaker", "StopTrainingJob"): training_jobs.stop_training_job,
    ("sagemaker", "CreateHyperParameterTuningJob"): tuning_jobs.create_tuning_job,
    ("sagemaker", "DescribeHyperParameterTuningJob"): tuning_jobs.describe_tuning_job,
    ("sagemaker", "ListHyperParameterTuningJobs"): tuning_jobs.list_tuning_jobs,
    ("sagemaker", "StopHyperParameterTuningJob"): tuning_jobs.stop_tuning_job,
    ("sagemaker", "ListTrainingJobsForHyperParameterTuningJob"): tuning_jobs.list_training_jobs_for_tuning_job,
    ("sagemaker", "DeleteTrainingJob"): job_deletion.delete_training_job,
    ("sagemaker", "DeleteHyperParameterTuningJob"): job_deletion.delete_tuning_job,
    ("sagemaker", "CreateModel"): models.create_model,
    ("sagemaker", "DescribeModel"): models.describe_model,
    ("sagemaker", "ListModels"): models.list_models,
    ("sagemaker", "DeleteModel"): models.delete_model,
    ("sagemaker", "CreateEndpointConfig"): endpoint_configs.create_endpoint_config,
    ("sagemaker", "DescribeEndpointConfig"): endpoint_configs.describe_endpoint_config,
    ("sagemaker", "ListEndpointConfigs"): endpoint_configs.list_endpoint_configs,
    ("sagemaker", "DeleteEndpointConfig"): endpoint_configs.delete_endpoint_config,
    ("sagemaker", "CreateEndpoint"): endpoints.create_endpoint,
    ("sagemaker", "DescribeEndpoint"): endpoints.describe_endpoint,
    ("sagemaker", "ListEndpoints"): endpoints.list_endpoints,
    ("sagemaker", "UpdateEndpoint"): endpoints.update_endpoint,
    ("sagemaker", "UpdateEndpointWeightsAndCapacities"): endpoints.update_endpoint_weights_and_capacities,
    ("sagemaker", "DeleteEndpoint"): endpoints.delete_endpoint,
    ("sagemaker", "AddTags"): tags.add_tags,
    ("sagemaker", "ListTags"): tags.list_tags,
    ("sagemaker", "DeleteTags"): tags.delete_tags,
    ("sagemaker-runtime", "InvokeEndpoint"): invocations.invoke_endpoint,
    ("sagemaker-runtime", "InvokeEndpointAsync"): async_invocations.invoke_endpoint_async,
    ("sagemaker-runtime", "InvokeEndpointWithResponseStream"): invocations.invoke_endpoint_with_response_stream,
    ("logs", "DescribeLogGroups"): log_streams.describe_log_groups,
    ("logs", "DescribeLogStreams"): log_streams.describe_log_streams,
    ("logs", "GetLogEvents"): logs.get_log_events,
    ("logs", "FilterLogEvents"): log_search.filter_log_events,
    ("cloudwatch", "GetMetricStatistics"): cloudwatch.get_metric_statistics,
    ("cloudwatch", "ListMetrics"): cloudwatch.list_metrics,
    ("iam", "GetRole"): iam.get_role,
    ("iam", "SimulatePrincipalPolicy"): iam.simulate_principal_policy,
    ("sts", "GetCallerIdentity"): sts.get_caller_identity,
}
