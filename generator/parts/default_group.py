"""The VPC's default security group, which AWS makes with rules that let its members speak to each other and out."""

from awacs import ec2 as actions
from troposphere import GetAtt, Sub, Template, ec2, iam, scheduler

from generator.names import arn
from generator.parts.policies import allow, service_role


def keep_default_group_closed(template: Template, vpc: ec2.VPC) -> None:
    """Takes the rules that AWS makes the VPC's default security group with out, and looks for them again every day.

    CloudFormation cannot change that group; EventBridge Scheduler calls the API without any code of ours. A call that
    finds no such rule fails, to no harm; the few tries more are for a role that IAM does not know everywhere yet.
    """
    role = service_role(
        template,
        "DefaultGroupRole",
        "scheduler",
        allow(
            "Revoke",
            [actions.RevokeSecurityGroupIngress, actions.RevokeSecurityGroupEgress],
            [arn("ec2", f"security-group/${{{vpc.title}.DefaultSecurityGroup}}")],
        ),
    )
    _revoke_daily(template, vpc, role, "Ingress", '"UserIdGroupPairs":[{"GroupId":"${Group}"}]')
    _revoke_daily(template, vpc, role, "Egress", '"IpRanges":[{"CidrIp":"0.0.0.0/0"}]')


def _revoke_daily(template: Template, vpc: ec2.VPC, role: iam.Role, direction: str, peers: str) -> None:
    """`peers` is the part of the request, in JSON, that says whom the rule is about."""
    request = f'{{"GroupId":"${{Group}}","IpPermissions":[{{"IpProtocol":"-1",{peers}}}]}}'
    template.add_resource(
        scheduler.Schedule(
            f"CloseDefaultGroup{direction}",
            Description=f"Takes the first {direction.lower()} rule out of the default security group",
            ScheduleExpression="rate(1 day)",
            FlexibleTimeWindow=scheduler.FlexibleTimeWindow(Mode="OFF"),
            Target=scheduler.Target(
                Arn=Sub(f"arn:${{AWS::Partition}}:scheduler:::aws-sdk:ec2:revokeSecurityGroup{direction}"),
                RoleArn=GetAtt(role, "Arn"),
                Input=Sub(request, Group=GetAtt(vpc, "DefaultSecurityGroup")),
                RetryPolicy=scheduler.RetryPolicy(MaximumRetryAttempts=3),
            ),
        )
    )
