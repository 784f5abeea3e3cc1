"""What several processes cannot divide among them is refused, with what to do."""

from pathlib import Path
from typing import Any

import pytest

from tests.unit.training.scripts import Scripts
from tests.unit.training.test_batches import image_set


class Group:
    """Several processes, of which another one has the checksum `other`; None: the same as this one."""

    def __init__(self, scripts: Scripts, world_size: int, other: int | None = None) -> None:
        self.share = scripts.share.Share(0, world_size)
        self._other = other

    def is_same(self, number: int) -> bool:
        return self._other in {None, number}


def test_a_batch_too_small_for_all(scripts: Scripts) -> None:
    check, share = scripts.division.check_batch_size, scripts.share.Share
    check(1, share())
    check(8, share(1, 4))
    with pytest.raises(scripts.errors.DistributedError, match=r"--batch-size 7 .* all 4 processes .* --batch-size 8 "):
        check(7, share(1, 4))


@pytest.mark.parametrize(
    ("world_size", "other", "words"),
    [
        (1, 5, None),
        (5, None, None),
        (2, 5, "other images on one host than on another: .* FullyReplicated"),
        (6, None, "has 10 images, too few for 6 processes: it needs 12, or the job fewer instances"),
    ],
)
def test_channels(scripts: Scripts, tmp_path: Path, world_size: int, other: int | None, words: str | None) -> None:
    images: Any = image_set(scripts, tmp_path, 0)
    group = Group(scripts, world_size, other)
    if words is None:
        scripts.division.check_channels(images, images, group)
        return
    with pytest.raises(scripts.errors.ChannelError, match=words):
        scripts.division.check_channels(images, images, group)


def test_validation_needs_an_image_a_process(scripts: Scripts, tmp_path: Path) -> None:
    images: Any = image_set(scripts, tmp_path, 0)
    many: Any = image_set(scripts, tmp_path, 0)
    many.paths = many.paths * 3
    scripts.division.check_channels(many, images, Group(scripts, 10))
    with pytest.raises(scripts.errors.ChannelError, match="10 images, too few for 11 processes: it needs 11"):
        scripts.division.check_channels(many, images, Group(scripts, 11))


def test_order_and_names_that_are_no_utf_8_count(scripts: Scripts) -> None:
    checksum = scripts.division.checksum
    assert checksum(["a", "\udcff"]) != checksum(["\udcff", "a"])
