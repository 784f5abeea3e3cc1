"""A notebook's debugger and profiler cells."""

import json
import sys
import time

import short_waits  # noqa: F401 - the one change for the tests: short polls
import sagemaker
from sagemaker.debugger import (
    CollectionConfig,
    DebuggerHookConfig,
    FrameworkProfile,
    ProfilerConfig,
    ProfilerRule,
    Rule,
    rule_configs,
)
from sagemaker.pytorch import PyTorch

session = sagemaker.Session(default_bucket=sys.argv[1])
estimator = PyTorch(
    entry_point="train.py",
    source_dir="debugging",
    base_job_name="debugged",
    role="arn:aws:iam::123456789012:role/SageMakerRole",
    instance_count=1,
    instance_type="ml.m5.large",
    framework_version="1.8",
    py_version="py36",
    hyperparameters={"epochs": 2, "lr": 0.05},
    rules=[
        Rule.sagemaker(rule_configs.vanishing_gradient()),
        Rule.sagemaker(rule_configs.overfit()),
        Rule.sagemaker(rule_configs.loss_not_decreasing()),
        ProfilerRule.sagemaker(rule_configs.ProfilerReport()),
    ],
    debugger_hook_config=DebuggerHookConfig(
        hook_parameters={"train.save_interval": "2", "eval.save_interval": "1"},
        collection_configs=[
            CollectionConfig("CrossEntropyLoss_output_0", {"include_regex": "CrossEntropyLoss_output_0"}),
        ],
    ),
    profiler_config=ProfilerConfig(
        system_monitor_interval_millis=500, framework_profile_params=FrameworkProfile(num_steps=3)
    ),
    sagemaker_session=session,
)
estimator.fit(wait=True, logs="All")
job = estimator.latest_training_job
while any(rule["RuleEvaluationStatus"] == "InProgress" for rule in job.rule_job_summary()):
    time.sleep(1)  # as on AWS, rules may end after the job

print()
print(
    json.dumps(
        {
            "job": job.name,
            "artifacts": estimator.latest_job_debugger_artifacts_path(),
            "rules": [{key: str(value) for key, value in rule.items()} for rule in job.rule_job_summary()],
        }
    )
)
