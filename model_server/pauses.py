"""How long a worker's place stays empty before the next one is started in it."""

LONG_LIFE_SECONDS = 60.0
MAX_PAUSE_SECONDS = 30.0
# Loads that fail one after the other while no worker lives: then the model server gives up.
MAX_FAILED_LOADS = 5


def short_lives_after(short_lives: int, lived_seconds: float) -> int:
    """How many workers in a row have lived shortly, now that one has ended after `lived_seconds` in service."""
    return 0 if lived_seconds >= LONG_LIFE_SECONDS else short_lives + 1


def pause_seconds(short_lives: int) -> float:
    """None after a long life or the first short one, then 1, 2, 4 ... 30 seconds."""
    if short_lives <= 1:
        return 0.0
    return min(MAX_PAUSE_SECONDS, 2.0 ** min(short_lives - 2, 10))
