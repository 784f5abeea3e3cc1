"""What a job leaves in its output folder beside the model: history, skipped files, results on the test channel."""

from dataclasses import asdict
from pathlib import Path

from image_set import Skipped
from json_file import write_json
from progress import Progress
from results import Results
from results_page import page


def write_history(folder: Path, progress: Progress) -> None:
    """history.json: the epochs' figures and which of them the model is from."""
    folder.mkdir(parents=True, exist_ok=True)
    best = progress.best.epoch if progress.best else None
    write_json(folder / "history.json", {"best_epoch": best, "epochs": [asdict(epoch) for epoch in progress.history]})


def write_skipped(folder: Path, skipped: list[Skipped]) -> None:
    """skipped_images.json: every file that is no readable image, with the reason."""
    folder.mkdir(parents=True, exist_ok=True)
    write_json(folder / "skipped_images.json", [asdict(entry) for entry in skipped])


def write_test_report(folder: Path, title: str, results: Results, progress: Progress) -> None:
    """test_report.json and, to look at, test_report.html; `title` says what was trained."""
    folder.mkdir(parents=True, exist_ok=True)
    write_json(folder / "test_report.json", asdict(results))
    (folder / "test_report.html").write_text(page(title, results, progress), encoding="utf-8")
