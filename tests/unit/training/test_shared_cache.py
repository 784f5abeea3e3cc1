"""The folder of a machine's jobs: bounded, and nothing that is in use goes."""

import os
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.unit.training.scripts import Scripts

PART_BYTES = 100_000


def filled(scripts: Scripts, cache: Any, name: str, parts: int = 2) -> Any:
    """An entry of that many parts of PART_BYTES."""
    entry = cache.entry("images", {"data": name}, parts)
    content = np.zeros(PART_BYTES, np.uint8)
    entry.fill(lambda _: scripts.part_file.part_in_memory({}, [content]), scripts.stopping.StopRequest())
    return entry


def names(cache: Any) -> set[str]:
    """What the cache's entries were made of."""
    return {name for name in "abcd" if cache.has("images", {"data": name})}


def test_what_was_not_used_longest_makes_room(scripts: Scripts, tmp_path: Path) -> None:
    cache = scripts.shared_cache.SharedCache(tmp_path, 5 * PART_BYTES)
    for age, name in ((30, "a"), (10, "b")):
        entry = filled(scripts, cache, name)
        entry.close()
        os.utime(entry.folder / "use", (time.time() - age, time.time() - age))
    filled(scripts, cache, "c").close()
    assert names(cache) == {"b", "c"}
    assert not list(tmp_path.glob(".removed-*"))


def test_what_is_in_use_stays(scripts: Scripts, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    cache = scripts.shared_cache.SharedCache(tmp_path, 3 * PART_BYTES)
    used = filled(scripts, cache, "a")
    other = filled(scripts, cache, "b")
    assert (len(list(used.folder.glob("*.part"))), len(list(other.folder.glob("*.part")))) == (2, 0)
    assert "--disk-cache-megabytes" in capsys.readouterr().out
    used.close()
    filled(scripts, cache, "c").close()
    assert names(cache) == {"b", "c"}


def test_an_entry_that_is_opened_again_counts_as_used(scripts: Scripts, tmp_path: Path) -> None:
    cache = scripts.shared_cache.SharedCache(tmp_path, 5 * PART_BYTES)
    for age, name in ((30, "a"), (10, "b")):
        entry = filled(scripts, cache, name)
        entry.close()
        os.utime(entry.folder / "use", (time.time() - age, time.time() - age))
    cache.entry("images", {"data": "a"}, 2).close()
    filled(scripts, cache, "c").close()
    assert names(cache) == {"a", "c"}


def test_what_was_read_outlives_its_entry(scripts: Scripts, tmp_path: Path) -> None:
    cache = scripts.shared_cache.SharedCache(tmp_path, 10 * PART_BYTES)
    entry = filled(scripts, cache, "a")
    part = entry.read(0)
    entry.close()
    scripts.shared_cache.SharedCache(tmp_path, PART_BYTES).entry("images", {"data": "b"}, 1).part(
        0, lambda _: scripts.part_file.part_in_memory({}, [np.zeros(PART_BYTES // 2, np.uint8)])
    )
    assert names(cache) == {"b"}
    assert int(part.content.sum()) == 0


def test_a_disk_that_is_full_from_the_start_costs_a_line(
    scripts: Scripts, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    cache = scripts.shared_cache.SharedCache(tmp_path, 10**9)
    monkeypatch.setattr(scripts.shared_cache, "write_json", full)
    assert cache.entry("images", {"data": "a"}, 1) is None
    assert "(No space left on device): images are kept in memory" in capsys.readouterr().out


def test_half_removed_entries_go_at_the_next_start(scripts: Scripts, tmp_path: Path) -> None:
    (tmp_path / ".removed-1234").mkdir()
    (tmp_path / ".removed-1234" / "00000.part").write_bytes(b"x")
    scripts.shared_cache.SharedCache(tmp_path, 1)
    assert list(tmp_path.iterdir()) == []
