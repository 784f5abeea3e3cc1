"""CloudWatch Logs' filter patterns, as far as they are words: `ERROR`, `"exit code" -retry`, `?WARN ?ERROR`."""

import re
from dataclasses import dataclass

from local_sagemaker.errors import InvalidParameterException

_TERM = re.compile(r'\s*(?P<sign>[?-]?)(?:"(?P<quoted>(?:[^"\\]|\\.)*)"|(?P<word>\w+))(?=\s|$)')


@dataclass(frozen=True)
class LogFilter:
    """Terms that a message must hold: all of `required`, one of `optional` if there are any, none of `excluded`."""

    required: tuple[str, ...] = ()
    optional: tuple[str, ...] = ()
    excluded: tuple[str, ...] = ()

    def matches(self, message: str) -> bool:
        """Whether the message is wanted; capital letters count."""
        return (
            all(term in message for term in self.required)
            and (not self.optional or any(term in message for term in self.optional))
            and not any(term in message for term in self.excluded)
        )


def parse(pattern: str) -> LogFilter:
    """The filter of a pattern; an empty one takes everything. Raises InvalidParameterException."""
    terms: dict[str, list[str]] = {"": [], "?": [], "-": []}
    position, end = 0, len(pattern.rstrip())
    while position < end:
        found = _TERM.match(pattern, position, end)
        if found is None:
            raise InvalidParameterException(
                f"Invalid filter pattern {pattern!r}: local_sagemaker takes words, quoted strings, ?term (any of them)"
                " and -term (none of them); terms with other characters than letters, digits and _ stand in quotes."
            )
        quoted = found["quoted"]
        terms[found["sign"]].append(found["word"] if quoted is None else re.sub(r"\\(.)", r"\1", quoted))
        position = found.end()
    return LogFilter(tuple(terms[""]), tuple(terms["?"]), tuple(terms["-"]))
