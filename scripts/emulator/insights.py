"""CloudWatch Logs Insights' own view of lines of JSON, whose fields ministack's queries do not see."""

import json
import re
from collections.abc import Callable
from typing import Any

from ministack.services import cloudwatch_logs

from scripts.emulator.patching import Function, replace

Record = dict[str, Any]
_EQUAL = re.compile(r'filter\s+(\w+)\s*=\s*"((?:\\.|[^"])*)"')
_LIKE = re.compile(r"filter\s+(\w+)\s+like\s+/((?:\\.|[^/])*)/")


def install() -> None:
    """Makes the ministack of this process discover fields, and filter by them."""
    replace("_public_log_record", (cloudwatch_logs,), discovered_fields)
    replace("_compile_insights_filter", (cloudwatch_logs,), filters_of_fields)


def discovered_fields(original: Function) -> Function:
    """The fields of a line of JSON, beside those that every line has."""

    def public(record: Record) -> Record:
        fields: Record = original(record)
        try:
            found = json.loads(record.get("@message", ""))
        except ValueError:
            return fields
        return {**found, **fields} if isinstance(found, dict) else fields

    return public


def filters_of_fields(original: Function) -> Function:
    """`filter FIELD = "TEXT"` and `filter FIELD like /PATTERN/`; ministack knows fields with an @ alone."""

    def compile_filter(stage: str) -> Callable[[Record], bool] | None:
        equal, like = _EQUAL.fullmatch(stage.strip()), _LIKE.fullmatch(stage.strip())
        if equal:
            name, text = equal[1], re.sub(r"\\(.)", r"\1", equal[2])
            return lambda record: _value(record, name) == text
        if like:
            name, pattern = like[1], re.compile(like[2])
            return lambda record: pattern.search(_value(record, name)) is not None
        compiled: Callable[[Record], bool] | None = original(stage)
        return compiled

    return compile_filter


def _value(record: Record, name: str) -> str:
    return str(cloudwatch_logs._public_log_record(record).get(name, ""))
