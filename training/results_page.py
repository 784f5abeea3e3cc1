"""The test channel's results as one HTML page that needs nothing else: figures, curves, classes, confusions."""

from collections.abc import Sequence
from html import escape

from charts import lines, reliability_diagram
from progress import Progress
from results import ClassResult, Confusion, Results

STYLE = (
    "body{font:15px/1.5 sans-serif;color:#24292f;max-width:60em;margin:2em auto;padding:0 1em}"
    "table{border-collapse:collapse}td,th{padding:.15em .8em;text-align:right;border-bottom:1px solid #d8dee4}"
    "td:first-child,th:first-child,.name{text-align:left}svg{margin:0 .5em .5em 0;max-width:100%}"
    "meter{width:8em}"
)


def page(title: str, results: Results, progress: Progress) -> str:
    """The whole page."""
    parts = [
        f"<h1>{escape(title)}</h1>",
        _figures(results),
        "<h2>Training</h2>",
        *_curves(progress),
        "<h2>Calibration</h2>",
        "<p>How often answers of a probability are right. Below the dashed line the network is too sure of itself.</p>",
        reliability_diagram("Accuracy by probability", results.reliability),
        f"<h2>Most confused pairs</h2>{_confusions(results)}",
        f"<h2>Classes</h2><p>The lowest recall first.</p>{_classes(results.classes)}",
    ]
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title>'
        f"<style>{STYLE}</style></head><body>{''.join(parts)}</body></html>\n"
    )


def _figures(results: Results) -> str:
    rows = [
        ("test images", str(results.images)),
        ("top-1 accuracy", f"{results.top1_accuracy:.2%}"),
        ("top-5 accuracy", f"{results.top5_accuracy:.2%}"),
        ("loss", f"{results.loss:.4f}"),
        ("expected calibration error", f"{results.expected_calibration_error:.2%}"),
    ]
    return _table((), rows)


def _curves(progress: Progress) -> list[str]:
    epochs = progress.history
    if not epochs:
        return ["<p>No epoch was trained.</p>"]
    best = progress.best.epoch if progress.best else None
    losses = {
        "train loss": [one.train_loss for one in epochs],
        "validation loss": [one.validation_loss for one in epochs],
    }
    accuracies = {
        "train accuracy": [one.train_accuracy for one in epochs],
        "validation accuracy": [one.validation_accuracy for one in epochs],
    }
    return [lines("Loss by epoch", losses, marked=best), lines("Accuracy by epoch", accuracies, marked=best)]


def _confusions(results: Results) -> str:
    if not results.confusions:
        return "<p>None.</p>"
    breeds = {one.folder: one.breed for one in results.classes}

    def row(pair: Confusion) -> Sequence[str]:
        return escape(breeds[pair.folder]), escape(breeds[pair.taken_for]), str(pair.images)

    return _table(("breed", "taken for", "images"), [row(pair) for pair in results.confusions])


def _classes(classes: Sequence[ClassResult]) -> str:
    ordered = sorted(classes, key=lambda one: (one.recall is None, one.recall or 0.0, one.index))
    rows = [
        (escape(one.breed), str(one.support), _share(one.precision), f"{_share(one.recall)} {_bar(one.recall)}")
        for one in ordered
    ]
    return _table(("breed", "images", "precision", "recall"), rows)


def _share(share: float | None) -> str:
    return "-" if share is None else f"{share:.1%}"


def _bar(share: float | None) -> str:
    return "" if share is None else f'<meter value="{share:.3f}">{share:.1%}</meter>'


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Cells are HTML."""
    top = f"<tr>{''.join(f'<th>{escape(cell)}</th>' for cell in head)}</tr>" if head else ""
    body = "".join(f"<tr>{''.join(f'<td>{cell}</td>' for cell in row)}</tr>" for row in rows)
    return f"<table>{top}{body}</table>"
