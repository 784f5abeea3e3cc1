"""Reads the channel."""


def read_lines(folder):
    """The lines of every file below `folder`."""
    for path in sorted(folder.rglob("*.csv")):
        yield from path.read_text().splitlines()
