"""Shares of the catalog's portfolio: with any number of accounts, organizational units and organizations.

CloudFormation's own resource type shares with one account, and with no unit: a function of ours does both.
"""

from dataclasses import dataclass
from pathlib import Path

from awacs import logs as logs_actions
from awacs import organizations, servicecatalog
from awacs.aws import Bool
from troposphere import GetAtt, Ref, Sub, Template, awslambda, iam, logs
from troposphere.cloudformation import AWSCustomObject

from generator.core import Stack, output, parameter
from generator.kinds import AccountIds, LogGroupName, OrganizationNodes, PortfolioId
from generator.names import arn, unique_name
from generator.parts.keys import customer_key, log_groups
from generator.parts.launch_permissions import in_region
from generator.parts.notes import HIPAA, NIST, Waiver, described, waived
from generator.parts.policies import allow, service_role

# The function's whole code. It lies outside of the generator, which must not import boto3.
CODE = Path(__file__).parents[2] / "functions" / "portfolio_shares.py"
RUNTIME = "python3.14"
# The longest that Lambda lets a function run: Service Catalog tells every account of a unit, one by one.
TIMEOUT_SECONDS = 900
LOG_RETENTION_DAYS = 400


@dataclass(frozen=True)
class PortfolioSharesInputs:
    portfolio: PortfolioId = parameter("The id of the portfolio.")
    share_accounts: AccountIds = parameter(
        "The portfolio is shared with these accounts, joined by commas; each needs a launch role of the same name."
        " Empty for none.",
        Default="",
    )
    share_organization_nodes: OrganizationNodes = parameter(
        "The portfolio is shared with these organizational units, or with a whole organization, joined by commas; this"
        " account must be the organization's management account, or its delegated administrator. Empty for none.",
        Default="",
    )


@dataclass(frozen=True)
class PortfolioSharesOutputs:
    share_log_group: LogGroupName = output("The log of the function that shares the portfolio.")


class PortfolioShares(AWSCustomObject):
    """What the function is asked for."""

    resource_type = "Custom::PortfolioShares"
    props = {  # noqa: RUF012 - troposphere's own classes have it so
        "ServiceToken": (str, True),
        "ServiceTimeout": (int, True),
        "PortfolioId": (PortfolioId, True),
        "Accounts": (AccountIds, True),
        "OrganizationNodes": (OrganizationNodes, True),
    }


def build(template: Template, inputs: PortfolioSharesInputs) -> PortfolioSharesOutputs:
    """The shares of the catalog's portfolio with other accounts, and the function that makes them."""
    alias = Sub("alias/${Name}-shares", Name=unique_name())
    key = customer_key(template, "Shares", alias, "The log of portfolio shares", log_groups())
    group = template.add_resource(
        logs.LogGroup(
            "LogGroup",
            # Even of a creation that failed: it may tell why.
            DeletionPolicy="Retain",
            UpdateReplacePolicy="Retain",
            LogGroupName=Sub("/orthanc/${Name}/portfolio-shares", Name=unique_name()),
            KmsKeyId=key,
            RetentionInDays=LOG_RETENTION_DAYS,
        )
    )
    function = template.add_resource(_function(_role(template, group), group))
    template.add_resource(
        described(
            PortfolioShares(
                "Shares",
                ServiceToken=GetAtt(function, "Arn"),
                # A function that dies does not answer: without this CloudFormation would wait for an hour.
                ServiceTimeout=TIMEOUT_SECONDS,
                PortfolioId=inputs.portfolio,
                Accounts=inputs.share_accounts,
                OrganizationNodes=inputs.share_organization_nodes,
            ),
            "The shares of the portfolio",
        )
    )
    return PortfolioSharesOutputs(share_log_group=LogGroupName(Ref(group)))


def _role(template: Template, group: logs.LogGroup) -> iam.Role:
    """What the function may do: share one portfolio. Source: service authorization reference, Service Catalog."""
    return service_role(
        template,
        "FunctionRole",
        "lambda",
        allow(
            "ShareThePortfolio",
            [servicecatalog.CreatePortfolioShare, servicecatalog.DeletePortfolioShare],
            [arn("catalog", "portfolio/${Portfolio}")],
        ),
        # IAM can bind this to no portfolio.
        allow("FollowShares", [servicecatalog.DescribePortfolioShareStatus], ["*"], in_region()),
        # What Service Catalog reads in the name of whoever shares with a unit; the function itself cannot.
        # Source: the function for the same in AWS's Landing Zone Accelerator, `share-portfolio-with-org.ts`.
        allow(
            "LetServiceReadOrganization",
            [
                organizations.DescribeOrganization,
                organizations.ListAccounts,
                organizations.ListAccountsForParent,
                organizations.ListChildren,
                organizations.ListParents,
            ],
            ["*"],
            Bool("aws:ViaAWSService", "true"),
        ),
        allow("WriteLog", [logs_actions.CreateLogStream, logs_actions.PutLogEvents], [GetAtt(group, "Arn")]),
    )


def _function(role: iam.Role, group: logs.LogGroup) -> awslambda.Function:
    function = awslambda.Function(
        "Function",
        Description="Shares the portfolio of image stores for CloudFormation",
        Runtime=RUNTIME,
        Architectures=["arm64"],
        Handler="index.handler",
        Code=awslambda.Code(ZipFile=CODE.read_text("utf-8")),
        Role=GetAtt(role, "Arn"),
        Timeout=TIMEOUT_SECONDS,
        MemorySize=256,
        LoggingConfig=awslambda.LoggingConfig(LogGroup=Ref(group)),
    )
    return waived(
        function,
        Waiver(
            "It calls Service Catalog and answers CloudFormation, whose address is on the Internet, and nothing else. A"
            " VPC would need a way out of it for that, and protect nothing.",
            checkov=["CKV_AWS_117"],
            rule="LambdaInsideVPC",
        ),
        Waiver(
            "A request that gets lost is not lost unseen: CloudFormation waits for its answer, and fails.",
            checkov=["CKV_AWS_116"],
            rule="LambdaDLQ",
            packs=(HIPAA, NIST),
        ),
        Waiver(
            "CloudFormation makes one request after the other. New accounts have ten executions at a time, none of"
            " which may be reserved: with a reservation the stack would fail there.",
            checkov=["CKV_AWS_115"],
            rule="LambdaConcurrency",
            packs=(HIPAA, NIST),
        ),
    )


PORTFOLIO_SHARES = Stack("portfolio_shares", PortfolioSharesInputs, PortfolioSharesOutputs, build)
