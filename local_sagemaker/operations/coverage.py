"""What becomes of each member of a request's structures: one list that both refuses and documents.

A member is honoured, or changes nothing on one machine, or is refused with what to do instead. One that is newer than
this code is refused as well: nothing is accepted and ignored.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from local_sagemaker.operations.unsupported import refuse


@dataclass(frozen=True)
class Structure:
    """A structure of botocore's model by the name of its shape, such as ResourceConfig.

    `without_effect` says why a member changes nothing here, `refused` what to use instead. Structures of which every
    member is honoured need no entry.
    """

    shape: str
    honoured: tuple[str, ...]
    without_effect: Mapping[str, str] = field(default_factory=dict)
    refused: Mapping[str, str] = field(default_factory=dict)

    def check(self, members: Mapping[str, Any], where: str = "") -> None:
        """Raise ValidationException for the first given member that is refused; False and empty ones are not given."""
        for name, value in members.items():
            if value and name not in self.honoured and name not in self.without_effect:
                refuse(f"{where}{name}", self.refused.get(name, "leave it out"))
