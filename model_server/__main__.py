"""`python -P -m model_server --model-dir D --code-dir D/code ...`: serves a model until SIGTERM (arguments.py)."""

import os
import sys
from collections.abc import Sequence

from model_server import arguments, compute
from model_server.settings import BadSetting, read_settings
from model_server.spawn import Child, spawn


def main(argv: Sequence[str]) -> int:
    """Serve; the exit status."""
    given = arguments.parse(argv)
    environment = dict(os.environ)
    try:
        settings = read_settings(environment)
    except BadSetting as error:
        print(error, file=sys.stderr, flush=True)  # noqa: T201 - the container's log
        return 1
    share = compute.compute(
        environment,
        workers=settings.workers,
        cpus=given.cpus,
        cores=compute.cores_of_machine(),
        gpus=compute.gpus_of_machine(environment),
    )

    def start(index: int) -> Child:
        return spawn(given.serving, {**environment, **share.environment(index, environment)})

    first = start(0)  # before the imports of the front, which take as long as those of a small model
    from model_server.run import Workers, run  # noqa: PLC0415 - as the line above says

    return run(given, settings, Workers(share.workers, start, first))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
