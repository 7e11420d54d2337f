"""The optional budget: a stack of its own, as AWS Budgets has no CloudFormation type in many regions."""

from dataclasses import dataclass

from troposphere import Template, budgets

from generator.core import Stack, output, parameter
from generator.kinds import DeploymentName, Number, Text, TopicArn

ACTUAL_PERCENT = 80
FORECAST_PERCENT = 100


@dataclass(frozen=True)
class BudgetInputs:
    deployment: DeploymentName = parameter("The budget's name.")
    topic: TopicArn = parameter("The topic that warnings are sent to.")
    monthly_budget: Number = parameter(
        "A warning is sent when the account's month has cost 80 % of this many US dollars, or is forecast to cost all"
        " of it; 0 for no budget. Not every region can set one.",
        Default=0,
        MinValue=0,
        MaxValue=10000000,
        ConstraintDescription="must be an amount of US dollars from 0 to 10000000.",
    )


@dataclass(frozen=True)
class BudgetOutputs:
    budget: Text = output("The name of the budget.")


def build(template: Template, inputs: BudgetInputs) -> BudgetOutputs:
    """The account's monthly budget, with warnings to the alarm topic."""
    template.add_resource(
        budgets.Budget(
            "Budget",
            # The stack is nested only where a budget is asked for, which the parameter says some regions cannot set.
            Metadata={"cfn-lint": {"config": {"ignore_checks": ["E3006"]}}},
            Budget=budgets.BudgetData(
                BudgetName=inputs.deployment,
                BudgetType="COST",
                TimeUnit="MONTHLY",
                BudgetLimit=budgets.Spend(Amount=inputs.monthly_budget, Unit="USD"),
            ),
            NotificationsWithSubscribers=[
                _warning(inputs.topic, "ACTUAL", ACTUAL_PERCENT),
                _warning(inputs.topic, "FORECASTED", FORECAST_PERCENT),
            ],
        )
    )
    return BudgetOutputs(budget=Text(inputs.deployment.data))


def _warning(topic: TopicArn, kind: str, percent: int) -> budgets.NotificationWithSubscribers:
    return budgets.NotificationWithSubscribers(
        Notification=budgets.Notification(
            NotificationType=kind,
            ComparisonOperator="GREATER_THAN",
            Threshold=percent,
            ThresholdType="PERCENTAGE",
        ),
        Subscribers=[budgets.Subscriber(SubscriptionType="SNS", Address=topic)],
    )


BUDGET = Stack("budget", BudgetInputs, BudgetOutputs, build)
