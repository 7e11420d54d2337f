"""The topic that every alarm goes to, and the address that reads it."""

from dataclasses import dataclass

from awacs import sns as actions
from troposphere import Equals, Not, Ref, Template, sns

from generator.core import Stack, output, parameter
from generator.kinds import KeyArn, Text, TopicArn
from generator.parts.policies import allow_service, deny_without_tls, document, from_this_account


@dataclass(frozen=True)
class NotificationsInputs:
    notifications_key: KeyArn = parameter("The key that encrypts the topic.")
    alarm_email: Text = parameter(
        "Alarms are sent to this e-mail address, once its owner has confirmed the subscription; empty for none.",
        Default="",
        AllowedPattern=r"^([^@\s]+@[^@\s]+\.[^@\s]+)?$",
        ConstraintDescription="must be an e-mail address, or empty.",
    )


@dataclass(frozen=True)
class NotificationsOutputs:
    topic: TopicArn = output("Alarms and budget warnings are published here.")


def build(template: Template, inputs: NotificationsInputs) -> NotificationsOutputs:
    """The encrypted topic that alarms are sent to."""
    topic = template.add_resource(
        sns.Topic("Topic", DisplayName="Orthanc image store", KmsMasterKeyId=inputs.notifications_key)
    )
    _let_services_publish(template, topic)
    _subscribe(template, inputs, topic)
    return NotificationsOutputs(topic=TopicArn(Ref(topic)))


def _let_services_publish(template: Template, topic: sns.Topic) -> None:
    services = [
        allow_service(sid, service, [actions.Publish], [Ref(topic)], *from_this_account())
        for sid, service in (("Alarms", "cloudwatch"), ("Budgets", "budgets"))
    ]
    template.add_resource(
        sns.TopicPolicy(
            "TopicPolicy",
            Topics=[Ref(topic)],
            PolicyDocument=document(deny_without_tls(actions.Publish, [Ref(topic)]), *services),
        )
    )


def _subscribe(template: Template, inputs: NotificationsInputs, topic: sns.Topic) -> None:
    template.add_condition("HasAlarmEmail", Not(Equals(inputs.alarm_email, "")))
    template.add_resource(
        sns.SubscriptionResource(
            "EmailSubscription",
            Condition="HasAlarmEmail",
            TopicArn=Ref(topic),
            Protocol="email",
            Endpoint=inputs.alarm_email,
        )
    )


NOTIFICATIONS = Stack("notifications", NotificationsInputs, NotificationsOutputs, build)
