"""A series in windows of neighbouring samples."""

from diagnostics.profile.profile import Values


def windows(values: Values, length: int) -> list[Values]:
    """Windows of `length` samples one after the other; what is left over at the end belongs to the last of them.

    A series shorter than a window is one window: what a short job has is judged.
    """
    count = max(1, len(values) // length)
    edges = [index * length for index in range(count)]
    return [
        values[start : start + length] if index < count - 1 else values[start:] for index, start in enumerate(edges)
    ]
