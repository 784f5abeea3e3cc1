"""model_fn and predict_fn over an artifact."""

import json
import threading
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from PIL import Image

from tests.unit.inference import artifacts

Modules = dict[str, ModuleType]


def test_the_most_likely_class_is_the_picture_s(modules: Modules, model: Any) -> None:
    for index, colour in enumerate((artifacts.RED, artifacts.GREEN, artifacts.BLUE)):
        answer = modules["inference"].predict_fn(Image.new("RGB", (50, 80), colour), model)
        assert answer.probabilities.shape == (3,)
        assert answer.probabilities.argmax() == index
        assert answer.probabilities.sum() == pytest.approx(1, abs=1e-12)


def test_a_batch_is_its_images_one_by_one(modules: Modules, model: Any) -> None:
    images = [Image.new("RGB", (40, 40 + n), (n * 30, 200 - n * 20, 90)) for n in range(6)]
    predict = modules["inference"].predict_fn
    rows = predict(images, model).probabilities
    assert rows.shape == (6, 3)
    assert np.array_equal(rows, np.stack([predict(image, model).probabilities for image in images]))
    assert predict(images[:1], model).probabilities.shape == (1, 3)


def test_several_requests_at_once_are_answered_one_by_one(modules: Modules, model: Any) -> None:
    inference = modules["inference"]
    one, two = Image.new("RGB", (40, 60), artifacts.RED), Image.new("RGB", (60, 40), artifacts.BLUE)
    answers = inference.predict_batch_fn([one, [two, one], two], model)
    assert [answer.probabilities.shape for answer in answers] == [(3,), (2, 3), (3,)]
    for data, answer in zip([one, [two, one], two], answers, strict=True):
        assert np.array_equal(answer.probabilities, inference.predict_fn(data, model).probabilities)


def test_threads_get_their_own_answers(modules: Modules, model: Any) -> None:
    predict = modules["inference"].predict_fn
    images = [Image.new("RGB", (40, 40), (n * 8, 255 - n * 8, n)) for n in range(32)]
    expected = [predict(image, model).probabilities for image in images]
    wrong: list[int] = []

    def check(start: int) -> None:
        for turn in range(100):
            number = (start + turn) % len(images)
            if not np.array_equal(predict(images[number], model).probabilities, expected[number]):
                wrong.append(number)

    threads = [threading.Thread(target=check, args=(n * 8,)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


def _edit(name: str, **members: Any) -> Callable[[Path], None]:
    def edit(folder: Path) -> None:
        (folder / name).write_text(json.dumps({**artifacts.DESCRIPTION, **members}))

    return edit


def _write(name: str, data: bytes) -> Callable[[Path], object]:
    return lambda folder: (folder / name).write_bytes(data)


def _remove(name: str) -> Callable[[Path], None]:
    return lambda folder: (folder / name).unlink()


def _classes(classes: Any) -> Callable[[Path], object]:
    return lambda folder: (folder / "classes.json").write_text(json.dumps(classes))


def _cut(folder: Path) -> None:
    weights = (folder / "model.bin").read_bytes()
    (folder / "model.bin").write_bytes(weights[: len(weights) // 2])


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (_remove("model.json"), "model.json"),
        (_remove("classes.json"), "classes.json"),
        (_remove("model.xml"), "model.xml is missing"),
        (_remove("model.bin"), "model.bin is missing"),
        (_write("model.bin", b""), "model.bin is missing or empty"),
        (_write("model.xml", b"<net><layers></net>"), "model.xml"),
        (_write("model.json", b"{"), "model.json cannot be read"),
        (_write("model.json", b"[]"), "model.json must hold a JSON object"),
        (_write("model.json", b"\xff\xfe"), "model.json cannot be read"),
        (_edit("model.json", format_version=2), "model.json has format_version 2"),
        (_edit("model.json", interpolation="bicubic"), "model.json has interpolation"),
        (_edit("model.json", resize_size=31), "model.json: resize_size"),
        (_edit("model.json", image_size=0), "model.json: image_size"),
        (_edit("model.json", image_size=True), "model.json: image_size"),
        (_edit("model.json", mean=[0.5]), "model.json: mean"),
        (_edit("model.json", std=[0.5, 0.5, 0]), "model.json: std"),
        (_edit("model.json", std=[0.5, 0.5, "x"]), "model.json: std"),
        (_edit("model.json", version=""), "model.json: version"),
        (_classes({}), "classes.json must hold a JSON array"),
        (_classes([]), "classes.json has no class"),
        (_classes(artifacts.CLASSES[:2]), "classes.json asks for"),
        (_classes(artifacts.CLASSES[::-1]), "classes.json: entry 0"),
        (_classes([{**artifacts.CLASSES[0], "breed": None}]), "classes.json: breed"),
        (_cut, "model.bin"),
        (lambda folder: artifacts.write(folder, weights=float("nan")), "model.bin"),
    ],
)
def test_a_broken_artifact_names_the_file(
    modules: Modules, tmp_path: Path, damage: Callable[[Path], object], words: str
) -> None:
    folder = artifacts.write(tmp_path / "model")
    damage(folder)
    with pytest.raises(modules["errors"].BrokenModel, match=words) as caught:
        modules["inference"].model_fn(str(folder))
    assert not hasattr(caught.value, "status_code")


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({"OMP_NUM_THREADS": "1", "SM_NUM_CPUS": "8"}, 1),
        ({"SM_NUM_CPUS": "3"}, 3),
        ({"OMP_NUM_THREADS": "none", "SM_NUM_CPUS": "2"}, 2),
    ],
)
def test_threads(modules: Modules, monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], expected: int) -> None:
    for name in ("OMP_NUM_THREADS", "SM_NUM_CPUS"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert modules["cpu_network"].thread_count() == expected


def test_all_cpus_of_the_process_without_a_setting(modules: Modules, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    monkeypatch.delenv("SM_NUM_CPUS", raising=False)
    monkeypatch.setattr("os.sched_getaffinity", lambda _: {4, 5, 9})
    assert modules["cpu_network"].thread_count() == 3
