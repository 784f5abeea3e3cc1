"""What a model server serves: the model's folders and program, as its processes see them."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path


@dataclass(frozen=True)
class Serving:
    """`program` is SAGEMAKER_PROGRAM, None for inference.py; `packages_dir` holds what requirements.txt added."""

    model_dir: Path
    code_dir: Path
    packages_dir: Path | None = None
    program: str | None = None

    def to_json(self) -> str:
        """As a worker is given it."""
        return json.dumps({name: str(value) if value is not None else None for name, value in asdict(self).items()})

    @classmethod
    def from_json(cls, text: str) -> "Serving":
        """What `to_json` wrote."""
        fields = json.loads(text)
        packages = fields["packages_dir"]
        return cls(
            Path(fields["model_dir"]),
            Path(fields["code_dir"]),
            Path(packages) if packages is not None else None,
            fields["program"],
        )
