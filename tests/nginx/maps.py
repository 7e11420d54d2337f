"""Reads the `map` blocks of NGINX's configuration, so that what they decide can be tested without a running NGINX."""

import re

MAP = re.compile(r'^ *map (?P<source>"[^"]*"|\S+) \$(?P<name>\w+) \{\n(?P<body>.*?)^ *\}', re.M | re.S)
WORD = r"\"(?:[^\"\\]|\\.)*\"|'[^']*'|[^\s;]+"
ENTRY = re.compile(rf"^\s*({WORD})\s+({WORD});", re.M)
VARIABLE = re.compile(r"\$(\w+)")


def values(configuration: str, **known: str) -> "Values":
    """The variables of a configuration, of which those that NGINX takes from the request are told."""
    found = {}
    for block in MAP.finditer(configuration):
        entries = [(_bare(key), _bare(value)) for key, value in ENTRY.findall(block["body"])]
        found[block["name"]] = (_bare(block["source"]), entries)
    return Values(found, known)


class Values:
    """What variables are for one request; one that is neither a map nor known raises KeyError."""

    def __init__(self, maps: dict[str, tuple[str, list[tuple[str, str]]]], known: dict[str, str]) -> None:
        self._maps = maps
        self._known = known

    def __getitem__(self, name: str) -> str:
        if name in self._known:
            return self._known[name]
        source, entries = self._maps[name]
        return self._look_up(self._filled(source, {}), entries)

    def _look_up(self, key: str, entries: list[tuple[str, str]]) -> str:
        default = ""
        for pattern, value in entries:
            if pattern == "default":
                default = value
            elif not pattern.startswith("~") and pattern.lower() == key.lower():
                return self._filled(value, {})
        for pattern, value in entries:
            if pattern.startswith("~"):
                match = re.search(pattern[1:].replace("(?<", "(?P<"), key)
                if match:
                    return self._filled(value, match.groupdict())
        return self._filled(default, {})

    def _filled(self, text: str, captured: dict[str, str]) -> str:
        return VARIABLE.sub(
            lambda match: captured[match[1]] if match[1] in captured else self[match[1]], text
        )


def _bare(word: str) -> str:
    return word[1:-1] if word[0] in "\"'" else word
