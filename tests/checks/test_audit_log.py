"""What the audit log is asked for is what NGINX writes in it, and what is counted is shown and watched."""

import json
import re
from collections.abc import Iterator
from pathlib import Path

from tests.checks.rendered import rendered_set

CONFIGURATION = Path(__file__).parents[2] / "nginx" / "front.conf.template"
DOCUMENTATION = Path(__file__).parents[2] / "docs" / "audit.md"
# The words of CloudWatch Logs Insights' language in the queries, and their own names for results.
LANGUAGE = {
    *("and", "as", "asc", "by", "count", "d", "datefloor", "desc", "earliest", "fields", "filter", "in"),
    *("isempty", "latest", "like", "limit", "not", "or", "sort", "stats", "sum"),
}


def written() -> set[str]:
    """The fields of the audit log's format."""
    text = CONFIGURATION.read_text("utf-8")
    (log_format,) = re.findall(r"log_format\s+\w+\s+escape=json\s+(.*?);\s*$", text, re.DOTALL | re.MULTILINE)
    return set(re.findall(r'"(\w+)":', log_format))


def actions() -> set[str]:
    """What the field `action` can hold."""
    (block,) = re.findall(
        r"map \S+ \$action \{(.*?)\}\s*\n    log_format", CONFIGURATION.read_text("utf-8"), re.DOTALL
    )
    return set(re.findall(r"(\w+);", block))


def queried(text: str) -> set[str]:
    """The fields that a query names: its words, but for strings, patterns, CloudWatch's own fields and new names."""
    text = re.sub(r'"[^"]*"|/.*/|@\w+', "", text)
    named = set(re.findall(r"\bas (\w+)", text))
    return set(re.findall(r"\b[a-z]\w*", text)) - LANGUAGE - named


def patterns() -> Iterator[str]:
    for _, resource in rendered_set()["monitoring"].resources("AWS::Logs::MetricFilter"):
        yield resource["Properties"]["FilterPattern"]
        for transformation in resource["Properties"]["MetricTransformations"]:
            yield from (dimension["Value"] for dimension in transformation.get("Dimensions", []))


def test_saved_queries_ask_for_fields_that_nginx_writes() -> None:
    for name, resource in rendered_set()["monitoring"].resources("AWS::Logs::QueryDefinition"):
        fields = queried(resource["Properties"]["QueryString"])
        assert fields, name
        assert fields <= written(), name


def test_metric_filters_match_fields_that_nginx_writes() -> None:
    for pattern in patterns():
        fields = set(re.findall(r"\$\.(\w+)", pattern))
        assert fields, pattern
        assert fields <= written(), pattern


def test_actions_that_are_asked_for_exist() -> None:
    texts = [json.dumps(resource) for resource in rendered_set()["monitoring"].section("Resources").values()]
    asked = {action for text in texts for action in re.findall(r'action !?= \\"(\w+)\\"', text)}
    assert {"health", "other", "store"} <= asked <= actions()


def test_the_documentation_describes_every_field() -> None:
    table = DOCUMENTATION.read_text("utf-8").partition("| Field |")[2].partition("\n\n")[0]
    described = {
        field for row in table.splitlines()[2:] for field in re.findall(r"`(\w+)`", row.split("|")[1])
    }
    assert described == written()


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
