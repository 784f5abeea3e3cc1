"""Runs one custom rule over a job's tensors to its end: `python -m ...custom_rule PLAN`.

The only place that imports smdebug's reader: the rule's class is built on it. The result is a file, written by rename.
"""

import importlib.util
import json
import sys
import traceback
import warnings
from pathlib import Path
from typing import Any

from diagnostics.rules.rule_evaluation import RuleStatus, condition_met
from local_sagemaker.runtime import shim

MODULE = "custom_rule_source"


class BadSource(ValueError):
    """The file holds no such rule; the message says what it does."""


def main(plan_file: Path) -> None:
    """Evaluate until the rule fires, fails, or the job has ended."""
    plan: dict[str, Any] = json.loads(plan_file.read_bytes())
    status, details = evaluate(plan)
    shim.patiently(lambda: shim.write_json(plan["result"], {"status": status.value, "details": details}))


def evaluate(plan: dict[str, Any]) -> tuple[RuleStatus, str]:
    """How the rule of the plan ended, and StatusDetails."""
    warnings.simplefilter("ignore")  # smdebug's own, about numpy and pandas
    # Seconds of imports, which tests of the rest of this file need not pay for.
    from smdebug.exceptions import MissingCollectionFiles, NoMoreData, RuleEvaluationConditionMet  # noqa: PLC0415
    from smdebug.rules.rule import Rule  # noqa: PLC0415
    from smdebug.rules.rule_invoker import invoke_rule  # noqa: PLC0415
    from smdebug.trials import create_trial  # noqa: PLC0415

    # AWS's guide has classes call super().__init__(base_trial), while smdebug 1.0.34 asks for an action_str as well.
    Rule.__init__.__defaults__ = ("", None)
    try:
        kind = rule_class(Path(plan["source"]), plan["rule"], Rule)
        rule = kind(base_trial=create_trial(plan["trial"]), **plan["parameters"])
        invoke_rule(rule, raise_eval_cond=True)
    except RuleEvaluationConditionMet as met:
        return RuleStatus.ISSUES_FOUND, condition_met(plan["rule"], met.step, ())
    except NoMoreData:
        return RuleStatus.NO_ISSUES_FOUND, ""
    except MissingCollectionFiles:
        return RuleStatus.ERROR, (
            f"The custom rule {plan['rule']} had nothing to evaluate: the job ended without having saved a tensor. "
            "Give it a DebugHookConfig, and let its script use smdebug's hook."
        )
    except BadSource as error:
        return RuleStatus.ERROR, str(error)
    except Exception as error:  # noqa: BLE001 - whatever the user's class raises is its result
        traceback.print_exc()
        return RuleStatus.ERROR, (
            f"The custom rule {plan['rule']} failed: {traceback.format_exception_only(error)[-1].strip()} "
            f"({_where(error, plan['source'])})."
        )
    return RuleStatus.NO_ISSUES_FOUND, ""


def rule_class(source: Path, name: str, base: type) -> type[Any]:
    """The class `name` on `base` in a Python file. Raises BadSource, or what the file raises."""
    spec = importlib.util.spec_from_file_location(MODULE, source)
    if spec is None or spec.loader is None:
        raise BadSource(f"{source} is no Python file")
    module = importlib.util.module_from_spec(spec)
    sys.modules[MODULE] = module
    spec.loader.exec_module(module)
    found = getattr(module, name, None)
    if isinstance(found, type) and issubclass(found, base):
        return found
    there = [
        one.__name__
        for one in vars(module).values()
        if isinstance(one, type) and issubclass(one, base) and one is not base
    ]
    raise BadSource(
        f"rule_to_invoke is {name!r}, and source_s3_uri has no such class on smdebug.rules.rule.Rule; it has "
        f"{', '.join(there) or 'none at all'}."
    )


def _where(error: BaseException, source: str) -> str:
    """The last line of the user's file that the error came through."""
    lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == source]
    if isinstance(error, SyntaxError) and error.filename == source:
        lines.append(error.lineno)
    return f"line {lines[-1]} of its file" if lines else "outside its own file"


if __name__ == "__main__":
    main(Path(sys.argv[1]))
