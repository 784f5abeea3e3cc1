"""Where the time of one prediction went."""

from dataclasses import dataclass


@dataclass(slots=True)
class Timings:
    """Seconds a stage; of several files or attempts, all together.

    `parse` reads the upload, `sign` makes the signature, `wait` is for a connection and between attempts, `model`
    is from the request's first byte to the answer's last.
    """

    endpoint: str
    parse: float = 0.0
    sign: float = 0.0
    wait: float = 0.0
    model: float = 0.0

    def server_timing(self) -> str:
        """The value of the header Server-Timing, in milliseconds."""
        stages = (("parse", self.parse), ("sign", self.sign), ("wait", self.wait), ("model", self.model))
        return ", ".join(f"{name};dur={seconds * 1000:.2f}" for name, seconds in stages)
