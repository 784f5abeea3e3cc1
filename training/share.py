"""Which part of each batch is this process's, where several processes train one network."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Share:
    """Of each batch every `world_size`th image from the `rank`th on, so that each image is exactly one process's."""

    rank: int = 0
    world_size: int = 1

    @property
    def least(self) -> int:
        """Images that a batch must have: two a process, for batch normalisation cannot learn from one."""
        return 2 * self.world_size

    def of(self, batch: list[int]) -> list[int]:
        """The images of a batch that this process sees."""
        return batch[self.rank :: self.world_size]

    def weight(self, images: int) -> float:
        """What the mean loss of this share counts by in a batch of `images`, which need not divide evenly.

        The mean over the processes of each one's loss times its weight is the mean loss of the whole batch, and so it
        is with gradients.
        """
        own = len(range(self.rank, images, self.world_size))
        return own * self.world_size / images


WHOLE = Share()
