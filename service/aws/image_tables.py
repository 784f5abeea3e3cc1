"""Asks the sagemaker SDK for image URIs: run as a script, questions on stdin, answers on stdout.

A process of its own: importing the SDK costs seconds and hundreds of megabytes, and its tables are all that is wanted.
Questions are a JSON list of image_uris.retrieve's keyword arguments; each answer is `{"uri": ...}` or `{"error": ...}`.
"""

import json
import sys
import warnings


def main() -> None:
    """Answer every question."""
    warnings.simplefilter("ignore")  # compiling the SDK for the first time warns about its own escapes
    from sagemaker.core import image_uris  # noqa: PLC0415 - only here, see above

    def answer(question: dict[str, str]) -> dict[str, str]:
        try:
            return {"uri": str(image_uris.retrieve(**question))}
        except ValueError as error:
            return {"error": str(error)}

    json.dump([answer(question) for question in json.load(sys.stdin)], sys.stdout)


if __name__ == "__main__":
    main()
