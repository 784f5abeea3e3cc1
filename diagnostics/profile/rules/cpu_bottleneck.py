"""CPUBottleneck: a GPU that waits while a core is full."""

from dataclasses import dataclass

from diagnostics.profile.profile import Profile, ProfilerFinding
from diagnostics.profile.rules.bottleneck import bottlenecks
from diagnostics.profile.rules.rule import PatientRule, Verdict, within


@dataclass(frozen=True, kw_only=True)
class CPUBottleneck(PatientRule):
    """Fires for a node when in more than `threshold` % of its snapshots any core is above `cpu_threshold` % and any
    GPU below `gpu_threshold` %. Weight: the share of those snapshots.
    """

    threshold: float = 50
    cpu_threshold: float = 90
    gpu_threshold: float = 10

    def __post_init__(self) -> None:
        """Check the parameters."""
        super().__post_init__()
        within(0, 100, threshold=self.threshold, cpu_threshold=self.cpu_threshold, gpu_threshold=self.gpu_threshold)

    def judge(self, profile: Profile) -> Verdict:
        """Each node by itself."""
        limits = self.threshold, self.cpu_threshold, self.gpu_threshold
        return bottlenecks(self, profile, lambda node: node.cpu, limits, self._finding)

    def _finding(self, node: str, share: float) -> ProfilerFinding:
        return ProfilerFinding(
            what=f"On {node} a core was above {self.cpu_threshold:g} % while a GPU was below {self.gpu_threshold:g} % "
            f"in {share:.1f} % of the snapshots; {self.threshold:g} % is the threshold.",
            why="The GPU waits for work that one core prepares.",
            advice=(
                "Spread the preparation: raise --num-workers up to the number of vCPUs.",
                "Prepare less in each epoch: store the images smaller, or do the random transforms on the GPU.",
                "Take an instance type with more vCPUs for each GPU.",
            ),
        )
