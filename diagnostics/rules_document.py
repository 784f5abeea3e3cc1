"""Writes docs/diagnostics_rules.md from the rules themselves: `python -m diagnostics.rules_document`."""

import dataclasses
import inspect
from collections.abc import Iterator, Mapping
from pathlib import Path

from diagnostics.profile.rules.catalogue import PROFILER_RULES
from diagnostics.rules.catalogue import RULES

DOCUMENT = Path(__file__).resolve().parents[1] / "docs/diagnostics_rules.md"
HEAD = """# The rules

Written by `python -m diagnostics.rules_document` from the rules' own docstrings and defaults; a test fails when it is
stale. Names, parameters and defaults are AWS's where AWS has the rule. The rest: [diagnostics.md](diagnostics.md).
"""
PLATFORM = "scan_interval_us"  # AWS's evaluators read it; here a profile is judged once a minute and at the end


def document() -> str:
    """The whole text."""
    parts = [HEAD, *_rules("Debugger rules", RULES), *_rules("Profiler rules", PROFILER_RULES)]
    return "\n".join(parts) + "\n"


def _rules(title: str, rules: Mapping[str, type]) -> Iterator[str]:
    yield f"## {title}\n"
    for name in sorted(rules):
        yield f"### {name}\n"
        yield f"{_told(rules[name])}\n"
        parameters = [f"`{field}={default}`" for field, default in _parameters(rules[name])]
        if parameters:
            yield f"Parameters: {', '.join(parameters)}.\n"


def _told(rule: type) -> str:
    return inspect.cleandoc(rule.__doc__ or "")


def _parameters(rule: type) -> Iterator[tuple[str, object]]:
    for field in dataclasses.fields(rule):
        if field.init and field.name != PLATFORM:
            default = field.default if field.default is not dataclasses.MISSING else "required"
            yield field.name, ",".join(default) if isinstance(default, tuple) else default


def main() -> None:
    """Write the document."""
    DOCUMENT.write_text(document(), encoding="utf-8")


if __name__ == "__main__":
    main()
