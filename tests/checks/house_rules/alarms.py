"""An alarm that tells nobody is none."""

from tests.checks.house_rules.rule import must, must_not

_ALARM = "AWS::CloudWatch::Alarm"

RULES = (
    must(_ALARM, "AlarmActions", "Somebody must hear of it."),
    must_not(_ALARM, "ActionsEnabled", "Somebody must hear of it.", False),
    must(_ALARM, "TreatMissingData", "No data mean something.", "breaching", "notBreaching"),
)
