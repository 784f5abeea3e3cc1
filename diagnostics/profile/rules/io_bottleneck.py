"""IOBottleneck: a GPU that waits while cores wait for the disk."""

from dataclasses import dataclass

from diagnostics.profile.profile import Profile, ProfilerFinding
from diagnostics.profile.rules.bottleneck import bottlenecks
from diagnostics.profile.rules.rule import PatientRule, Verdict, within


@dataclass(frozen=True, kw_only=True)
class IOBottleneck(PatientRule):
    """Fires for a node when in more than `threshold` % of its snapshots any core waits for I/O more than
    `io_threshold` % and any GPU is below `gpu_threshold` %. Weight: the share of those snapshots.
    """

    threshold: float = 50
    io_threshold: float = 50
    gpu_threshold: float = 10

    def __post_init__(self) -> None:
        """Check the parameters."""
        super().__post_init__()
        within(0, 100, threshold=self.threshold, io_threshold=self.io_threshold, gpu_threshold=self.gpu_threshold)

    def judge(self, profile: Profile) -> Verdict:
        """Each node by itself."""
        limits = self.threshold, self.io_threshold, self.gpu_threshold
        return bottlenecks(self, profile, lambda node: node.io_wait, limits, self._finding)

    def _finding(self, node: str, share: float) -> ProfilerFinding:
        return ProfilerFinding(
            what=f"On {node} a core waited for the disk more than {self.io_threshold:g} % of its time while a GPU was "
            f"below {self.gpu_threshold:g} % in {share:.1f} % of the snapshots; {self.threshold:g} % is the threshold.",
            why="The GPU waits for files to be read.",
            advice=(
                "Read fewer and larger files, or keep the data set in memory after the first epoch.",
                "Use the input mode FastFile, or a larger volume (volume_size_gb): its throughput grows with it.",
                "Write checkpoints and tensors less often.",
            ),
        )
