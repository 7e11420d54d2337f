"""What the terminal can show: which characters, which colours, and whether it can be drawn on."""

import codecs
import io
import os
import sys

_REPLACEMENTS = "orthanc-aws.replacements"
# "?" is a mark of its own, for what is unknown.
_PLAIN = {"✓": "ok", "✗": "x", "…": "...", "→": "->", "↩": "<-", "±": "+-"}


def replace_unknown_characters() -> None:
    """From now on characters that the output's encoding lacks are replaced by others that read alike, else by "?"."""
    codecs.register_error(_REPLACEMENTS, _replaced)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors=_REPLACEMENTS)


def has_colours() -> bool:
    """Whether colours are wanted, by what https://no-color.org and terminfo say; False for a terminal without any."""
    return not os.environ.get("NO_COLOR") and not is_dumb()


def is_dumb() -> bool:
    """Whether the terminal can only show one line after another, as the one of an editor or a build server."""
    return os.environ.get("TERM") in ("dumb", "unknown")


def _replaced(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    lacking = error.object[error.start : error.end]
    return "".join(_PLAIN.get(character, "?") for character in lacking), error.end
