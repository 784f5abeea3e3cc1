"""How long a worker takes for a request, of late."""

WEIGHT = 0.1  # of the newest one


class ServiceTime:
    """A moving average; `seconds` is 0 before the first request."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def add(self, seconds: float) -> None:
        """A request took so long."""
        self.seconds = seconds if not self.seconds else self.seconds + WEIGHT * (seconds - self.seconds)
