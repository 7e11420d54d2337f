"""What the audit log is asked for is what NGINX writes in it, and what is counted is shown and watched."""

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.checks.rendered import rendered_set

CONFIGURATION = Path(__file__).parents[2] / "nginx" / "front.conf.template"
WITH_CONFIGURATION = pytest.mark.skipif(not CONFIGURATION.exists(), reason="NGINX has no configuration yet")
# The words of CloudWatch Logs Insights' language in the queries, and their own names for results.
LANGUAGE = {
    *("and", "as", "asc", "by", "count", "d", "datefloor", "desc", "earliest", "fields", "filter", "in"),
    *("latest", "limit", "or", "sort", "stats", "sum"),
}


def written() -> set[str]:
    """The fields of the audit log's format."""
    text = CONFIGURATION.read_text("utf-8")
    (log_format,) = re.findall(r"log_format\s+\w+\s+escape=json\s+(.*?);\s*$", text, re.DOTALL | re.MULTILINE)
    return set(re.findall(r'"(\w+)":', log_format))


def queried(text: str) -> set[str]:
    """The fields that a query names: its words, without strings, fields of CloudWatch's own and new names."""
    text = re.sub(r'"[^"]*"|@\w+', "", text)
    named = set(re.findall(r"\bas (\w+)", text))
    return set(re.findall(r"\b[a-z]\w*", text)) - LANGUAGE - named


def patterns() -> Iterator[str]:
    for _, resource in rendered_set()["monitoring"].resources("AWS::Logs::MetricFilter"):
        yield resource["Properties"]["FilterPattern"]
        for transformation in resource["Properties"]["MetricTransformations"]:
            yield from (dimension["Value"] for dimension in transformation.get("Dimensions", []))


@WITH_CONFIGURATION
def test_saved_queries_ask_for_fields_that_nginx_writes() -> None:
    for name, resource in rendered_set()["monitoring"].resources("AWS::Logs::QueryDefinition"):
        fields = queried(resource["Properties"]["QueryString"])
        assert fields, name
        assert fields <= written(), name


@WITH_CONFIGURATION
def test_metric_filters_match_fields_that_nginx_writes() -> None:
    for pattern in patterns():
        fields = set(re.findall(r"\$\.(\w+)", pattern))
        assert fields, pattern
        assert fields <= written(), pattern


def test_a_query_for_a_field_that_nobody_writes_is_noticed() -> None:
    assert queried('filter study = "1.2" | stats count(*) as n by patient, @timestamp') == {
        "study",
        "patient",
    }


def test_every_count_of_the_audit_log_is_on_the_dashboard() -> None:
    monitoring = rendered_set()["monitoring"]
    body = monitoring.section("Resources")["Dashboard"]["Properties"]["DashboardBody"]["Fn::Sub"]
    shown = json.dumps(json.loads(body)["widgets"])
    for _, resource in monitoring.resources("AWS::Logs::MetricFilter"):
        for transformation in resource["Properties"]["MetricTransformations"]:
            assert transformation["MetricNamespace"]["Fn::Sub"] in shown
            assert transformation["MetricName"] in shown


def test_alarms_watch_counts_that_are_made() -> None:
    monitoring = rendered_set()["monitoring"]
    made = {
        (str(transformation["MetricNamespace"]), transformation["MetricName"])
        for _, resource in monitoring.resources("AWS::Logs::MetricFilter")
        for transformation in resource["Properties"]["MetricTransformations"]
        if "Dimensions" not in transformation
    }
    watched = {
        (str(resource["Properties"]["Namespace"]), resource["Properties"]["MetricName"])
        for _, resource in monitoring.resources("AWS::CloudWatch::Alarm")
        if resource["Properties"]["Namespace"] != "AWS/Logs"
    }
    assert watched == made
