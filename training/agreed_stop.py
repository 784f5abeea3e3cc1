"""A stop of several processes: SIGTERM reaches their hosts at different times, and all must take the same last step."""

from process_group import ProcessGroup
from stopping import StopRequest, StopRequested


class AgreedStop:
    """The stop that all processes of a group make at the same place, though their hosts get SIGTERM one by one.

    Each process comes to each `check`, or, where it has raised StopRequested by itself before, to `tell` in its place.
    """

    def __init__(self, stop: StopRequest, group: ProcessGroup) -> None:
        self._stop = stop
        self._group = group
        self._agreed = False

    def check(self) -> None:
        """Raise StopRequested once the signal has come to any of them."""
        if self._group.any(self._stop.is_made):
            self._agree()
            raise StopRequested

    def tell(self) -> None:
        """Have the others raise StopRequested at the `check` that they come to; nothing where they know."""
        if not self._agreed:
            self._group.any(True)
            self._agree()

    def _agree(self) -> None:
        self._agreed = True
        self._stop.make()
