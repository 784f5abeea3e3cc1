"""Whether a job's batches and channels can be divided among its processes; one process can do with any."""

import os
import zlib
from collections.abc import Sequence

from errors import ChannelError, DistributedError
from image_set import ImageSet
from process_group import ProcessGroup
from share import Share


def check_batch_size(batch_size: int, share: Share) -> None:
    """Raises DistributedError where a batch leaves a process with a single image."""
    if share.world_size > 1 and batch_size < share.least:
        raise DistributedError(
            f"--batch-size {batch_size} is that of all {share.world_size} processes together, each of which needs two "
            f"images of it: give --batch-size {share.least} or more, or the job fewer instances"
        )


def check_channels(train: ImageSet, validation: ImageSet, group: ProcessGroup) -> None:
    """All processes call it. Raises ChannelError where they have other images, or too few for all of them."""
    world_size = group.share.world_size
    if world_size == 1:
        return
    for images, least in ((train, group.share.least), (validation, world_size)):
        name = images.channel.name
        if not group.is_same(checksum([*images.channel.classes, "", *images.paths])):
            raise ChannelError(
                f'channel "{name}" holds other images on one host than on another: give every host all of it '
                "(S3DataDistributionType FullyReplicated), for the processes divide each batch among them"
            )
        if len(images) < least:
            raise ChannelError(
                f'channel "{name}" has {len(images)} images, too few for {world_size} processes: it needs {least}, or '
                "the job fewer instances"
            )


def checksum(names: Sequence[str]) -> int:
    """Of names that may be no UTF-8, in their order."""
    return zlib.crc32(b"\0".join(map(os.fsencode, names)))
