"""What rules write for people, reports above all: where it goes in S3."""

from collections.abc import Mapping
from pathlib import Path

from local_sagemaker.runtime.objects import Objects
from local_sagemaker.runtime.training.folder_look import State, look
from local_sagemaker.runtime.training.spec import TrainingSpec

UNFINISHED = ".tmp"
TOOLS = {"DebugRuleConfigurations": "DebugHookConfig", "ProfilerRuleConfigurations": "ProfilerConfig"}

Files = dict[str, State]


def rule_output_uris(spec: TrainingSpec) -> dict[str, str]:
    """<output>/<job>/rule-output by RuleConfigurationName: the rule's own output, its tool's, or the job's."""
    job_output = spec.request["OutputDataConfig"]["S3OutputPath"]
    uris = {}
    for rules, config in TOOLS.items():
        tool_output = (spec.request.get(config) or {}).get("S3OutputPath")
        for rule in spec.request.get(rules) or []:
            base = rule.get("S3OutputPath") or tool_output or job_output
            uris[rule["RuleConfigurationName"]] = f"{base.rstrip('/')}/{spec.name}/rule-output"
    return uris


def upload_rule_output(spec: TrainingSpec, folder: Path, objects: Objects, uploaded: Mapping[str, State]) -> Files:
    """Upload what is not as it was `uploaded`: a folder a rule. Answers what is there now. Raises ObjectError."""
    uris = rule_output_uris(spec)
    files = {name: state for name, state in look(folder, {}).files.items() if not name.endswith(UNFINISHED)}
    for rule, uri in uris.items():
        changed = [name for name in files if name.startswith(f"{rule}/") and uploaded.get(name) != files[name]]
        if changed:
            objects.upload_folder(folder, uri, changed)
    return files
