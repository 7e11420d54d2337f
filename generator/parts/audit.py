"""What the audit log is asked: saved queries for a person, and counts with alarms for what nobody should miss.

The names of the fields are those of the log format in `nginx/front.conf.template`.
"""

from troposphere import Sub, Template, logs

from generator.kinds import LogGroupName, TopicArn
from generator.parts.alarms import alarm

NAMESPACE = "Orthanc/${Deployment}"
REQUESTS, FAILED_LOGINS, DENIED_REQUESTS = "Requests", "FailedLogins", "DeniedRequests"
FAILED_LOGINS_TOO_MANY = 50
DENIED_REQUESTS_TOO_MANY = 100

# Words in capitals are for whoever runs the query to replace. The line of an upload or a deletion names
# up to 100 studies, and says whether there were more (`nginx/studies.js`).
STUDY_TO_REPLACE, NAME_TO_REPLACE = "STUDY_INSTANCE_UID", "NAME"
QUERIES = {
    "WhoAccessedAStudy": (
        "who accessed a study",
        f"""\
fields time, user, role, address, action, series, instance, status, bytes_out
| filter study like /(^| ){STUDY_TO_REPLACE}( |$)/
| sort @timestamp desc
| limit 10000""",
    ),
    "WhatAUserDid": (
        "what a user did",
        f"""\
fields time, address, action, method, path, status, bytes_in, bytes_out, user_agent
| filter user = "{NAME_TO_REPLACE}"
| sort @timestamp desc
| limit 10000""",
    ),
    "FailedLoginsByAddress": (
        "failed logins",
        """\
filter status in [401, 429] and not isempty(user)
| stats count(*) as attempts, earliest(time) as first, latest(time) as last by user, address
| sort attempts desc""",
    ),
    "DeniedPaths": (
        "denied paths",
        """\
filter action != "preflight" and (status = 403 or (status = 404 and action = "other"))
| stats count(*) as requests, latest(time) as last by user, role, method, path, status
| sort requests desc""",
    ),
    "UploadsByUser": (
        "uploads by user",
        """\
filter action = "store" and status < 300
| stats count(*) as uploads, sum(bytes_in) as bytes by user, datefloor(@timestamp, 1d) as day
| sort day desc, bytes desc""",
    ),
}


def add_queries(template: Template, group: LogGroupName) -> None:
    """Adds the saved queries of the audit log, which CloudWatch Logs Insights lists by the deployment's name."""
    for title, (name, text) in QUERIES.items():
        template.add_resource(
            logs.QueryDefinition(
                title, Name=Sub(f"${{Deployment}}/{name}"), LogGroupNames=[group], QueryString=text
            )
        )


def add_counts(template: Template, group: LogGroupName, topic: TopicArn) -> None:
    """Adds the counts of requests by action, failed logins and denied requests, and alarms on the latter two.

    A 404 of a DICOMweb path is a study that is not there; one of any other path is somebody who tries doors.
    """
    _count(template, group, REQUESTS, '{ $.action != "health" }', by="action")
    # A name without the right password. Browsers and many clients try without any name first.
    _count(template, group, FAILED_LOGINS, "{ (($.status = 401) || ($.status = 429)) && ($.user = %.+%) }")
    _count(
        template,
        group,
        DENIED_REQUESTS,
        '{ ($.action != "preflight") && (($.status = 403) || (($.status = 404) && ($.action = "other"))) }',
    )
    _warn(
        template,
        topic,
        FAILED_LOGINS,
        FAILED_LOGINS_TOO_MANY,
        f"More than {FAILED_LOGINS_TOO_MANY} logins failed within five minutes: the saved query 'failed logins' tells"
        " from which addresses.",
    )
    _warn(
        template,
        topic,
        DENIED_REQUESTS,
        DENIED_REQUESTS_TOO_MANY,
        f"More than {DENIED_REQUESTS_TOO_MANY} requests were denied within five minutes: the saved query 'denied"
        " paths' tells whose.",
    )


def _count(template: Template, group: LogGroupName, metric: str, pattern: str, by: str = "") -> None:
    """Lines that match a pattern, as a metric; with a field to tell them apart by, each of its values has its own."""
    # A metric with dimensions can have no default value.
    apart = {"Dimensions": [logs.Dimension(Key=by.title(), Value=f"$.{by}")]} if by else {"DefaultValue": 0}
    template.add_resource(
        logs.MetricFilter(
            f"{metric}Filter",
            LogGroupName=group,
            FilterPattern=pattern,
            MetricTransformations=[
                logs.MetricTransformation(
                    MetricNamespace=Sub(NAMESPACE), MetricName=metric, MetricValue="1", Unit="Count", **apart
                )
            ],
        )
    )


def _warn(template: Template, topic: TopicArn, metric: str, too_many: int, description: str) -> None:
    alarm(
        template,
        f"{metric}TooMany",
        description,
        topic,
        namespace=Sub(NAMESPACE),
        metric=metric,
        dimensions={},
        threshold=too_many,
        statistic="Sum",
        minutes=5,
        periods=1,
    )
