"""model_server/pauses.py: how soon the next worker is started."""

from model_server.pauses import LONG_LIFE_SECONDS, pause_seconds, short_lives_after


def test_pauses_grow_with_short_lives_and_a_long_one_ends_them() -> None:
    assert [pause_seconds(lives) for lives in range(9)] == [0, 0, 1, 2, 4, 8, 16, 30, 30]
    assert pause_seconds(10_000) == 30
    assert short_lives_after(3, LONG_LIFE_SECONDS - 1) == 4
    assert short_lives_after(3, LONG_LIFE_SECONDS) == 0
