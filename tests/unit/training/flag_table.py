"""The table of docs/training.md, from the parser: `python -m tests.unit.training.flag_table` writes it anew."""

import re
from typing import Any

from service.settings import REPOSITORY_DIR
from tests.unit.training.scripts import Scripts

DOCUMENT = REPOSITORY_DIR / "docs" / "training.md"
TABLE = re.compile(r"^\| flag \|.*?\n(?!\|)", re.MULTILINE | re.DOTALL)
OTHER_DEFAULTS = {"num_workers": "0 on up to 2 CPUs, else one a CPU, at most 8"}


def table(scripts: Scripts) -> str:
    """One line a flag: default, what the recipes have in its place, help."""
    parser = scripts.arguments.build_parser(1, "")
    recipes = scripts.presets.RECIPES
    lines = ["| flag | default | fast | best | what |", "|---|---|---|---|---|"]
    for action in parser._actions:
        if action.dest in {"help", "_tuning_objective_metric"}:
            continue
        default = OTHER_DEFAULTS.get(action.dest, shown(action.default))
        by_recipe = [shown(recipes[name][action.dest]) if action.dest in recipes[name] else "" for name in NAMES]
        words = action.help or ""
        if action.choices is not None:
            words = f"{', '.join(f'`{choice}`' for choice in action.choices)}: {words}"
        lines.append(f"| `{action.option_strings[0]}` | {default} | {by_recipe[0]} | {by_recipe[1]} | {words} |")
    return "\n".join(lines) + "\n"


NAMES = ("fast", "best")


def shown(value: Any) -> str:
    """A default as a user would write it."""
    if value in {None, ""} and not isinstance(value, bool | int | float):
        return ""
    return f"`{str(value).lower() if isinstance(value, bool) else f'{value:g}' if isinstance(value, float) else value}`"


if __name__ == "__main__":
    text = DOCUMENT.read_text(encoding="utf-8")
    DOCUMENT.write_text(TABLE.sub(lambda _: table(Scripts()), text, count=1), encoding="utf-8")
