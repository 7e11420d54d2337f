"""The image store as a product of AWS Service Catalog, for people who launch it and may do little else.

A stack beside the root, one for each account and region that publishes.
"""

import json
from dataclasses import dataclass

from troposphere import Equals, Not, Or, Ref, Sub, Template, servicecatalog

from generator.core import Stack, gather, nest, output, parameter, shown
from generator.kinds import AccountIds, BucketName, LogGroupName, OrganizationNodes, PortfolioId, Text
from generator.parts.location import LocationInputs
from generator.stacks.launch_role import LAUNCH_ROLE, LaunchRoleInputs
from generator.stacks.portfolio_shares import PORTFOLIO_SHARES, PortfolioSharesInputs, PortfolioSharesOutputs

PORTFOLIO = "Portfolio"
WHO = "Who may launch"
FIRST = "The first version (filled in by the deploy tool)"
SOURCE = "Where the templates lie (filled in by the deploy tool)"


@dataclass(frozen=True)
class CatalogInputs:
    provider: Text = parameter(
        "Who offers the product, as its users are told.",
        group=PORTFOLIO,
        label="Provider",
        Default="Medical imaging",
        AllowedPattern="^.{1,50}$",
        ConstraintDescription="must have 1 to 50 characters.",
    )
    cost_center: Text = parameter(
        "Users may tag their stores with this cost centre; empty for no such tag.",
        group=PORTFOLIO,
        label="Cost centre",
        Default="",
        AllowedPattern="^[A-Za-z0-9 _.:/=+@-]{0,100}$",
        ConstraintDescription="must be the value of a tag, or empty.",
    )
    launcher_roles: Text = parameter(
        "Whoever has a role of this path and name may launch stores; * stands for any characters.",
        group=WHO,
        label="Roles",
        AllowedPattern="^[A-Za-z0-9+=,.@_/*-]*[A-Za-z0-9]{3}[A-Za-z0-9+=,.@_/*-]*$",
        ConstraintDescription="must be the path and name of a role: three letters or digits in a row, * for others.",
        MaxLength=512,
    )
    share_accounts: AccountIds = shown(PortfolioSharesInputs, group=WHO, label="Share with accounts")
    share_organization_nodes: OrganizationNodes = shown(
        PortfolioSharesInputs, group=WHO, label="Share with organizational units"
    )
    launch_role_name: Text = shown(LaunchRoleInputs, group=WHO, label="Launch role")
    hosted_zone: Text = parameter(
        "The id of the one hosted zone that stores may enter their domain names in; empty for any of the account.",
        group=WHO,
        label="Hosted zone",
        Default="",
        AllowedPattern="^(Z[A-Z0-9]{1,31})?$",
        ConstraintDescription="must be the id of a public hosted zone (Z…), or empty.",
    )
    first_version: Text = parameter(
        "The name of the version that the product begins with.",
        group=FIRST,
        label="Version",
        AllowedPattern="^[0-9A-Za-z][0-9A-Za-z._-]{0,49}$",
        ConstraintDescription="must be the name of a version.",
    )
    first_template: Text = parameter(
        "The key of that version's root template in the bucket of the published templates.",
        group=FIRST,
        label="Template",
        AllowedPattern=r"^[A-Za-z0-9._/-]{1,512}\.yaml$",
        ConstraintDescription="must be the key of a template.",
    )
    published_bucket: BucketName = shown(
        LaunchRoleInputs, group=SOURCE, label="Bucket of published templates"
    )
    template_bucket: BucketName = shown(LocationInputs, group=SOURCE, label="Bucket")
    template_region: Text = shown(LocationInputs, group=SOURCE, label="Region")
    template_key_prefix: Text = shown(LocationInputs, group=SOURCE, label="Key prefix")


@dataclass(frozen=True)
class CatalogOutputs:
    portfolio: Text = output("The id of the portfolio.")
    product: Text = output("The id of the product.")
    launch_role: Text = output("The name of the role that stores are launched with.")
    share_log_group: LogGroupName = output("The log of the function that shares the portfolio.")
    template_source: Text = output("Where the template of the launch role's stack lies.")


def build(template: Template, inputs: CatalogInputs) -> CatalogOutputs:
    """The image store as a product of AWS Service Catalog, with its portfolio, constraints and launch role."""
    # Not every Region has Service Catalog; where it has not, nobody launches this. W3002 is in `.cfnlintrc.yaml`, which
    # what a template says takes the place of.
    template.metadata["cfn-lint"] = {"config": {"ignore_checks": ["E3006", "W3002"]}}
    launch_role = nest(template, LAUNCH_ROLE, gather(LaunchRoleInputs, inputs))
    portfolio = template.add_resource(
        servicecatalog.Portfolio(
            "Portfolio",
            DisplayName="Image stores",
            ProviderName=inputs.provider,
            Description="DICOM image stores in the account of whoever launches one",
        )
    )
    product = template.add_resource(_product(inputs))
    offered = template.add_resource(
        servicecatalog.PortfolioProductAssociation(
            "Offer", PortfolioId=Ref(portfolio), ProductId=Ref(product)
        )
    )
    _add_constraints(template, portfolio, product, offered, launch_role.launch_role)
    _add_tags(template, inputs, portfolio)
    _add_launchers(template, portfolio)
    shares = _nest_shares(template, inputs, portfolio)
    return CatalogOutputs(
        portfolio=Text(Ref(portfolio)),
        product=Text(Ref(product)),
        launch_role=launch_role.launch_role,
        share_log_group=shares.share_log_group,
        template_source=Text(Sub("s3://${TemplateBucket}/${TemplateKeyPrefix} (${TemplateRegion})")),
    )


def _product(inputs: CatalogInputs) -> servicecatalog.CloudFormationProduct:
    """Begins with one version; the deploy tool adds the later ones, so that no version ever replaces another."""
    url = Sub(
        "https://${PublishedBucket}.s3.${AWS::Region}.${AWS::URLSuffix}/${FirstTemplate}",
    )
    return servicecatalog.CloudFormationProduct(
        "Product",
        Name="Orthanc image store",
        Owner=inputs.provider,
        Description="The DICOM server Orthanc as a secure DICOMweb image store",
        ReplaceProvisioningArtifacts=False,
        ProvisioningArtifactParameters=[
            servicecatalog.ProvisioningArtifactProperties(
                Name=inputs.first_version,
                Description=inputs.first_template,
                Info=servicecatalog.Info(LoadTemplateFromURL=url),
                DisableTemplateValidation=False,
            )
        ],
    )


def _add_constraints(
    template: Template,
    portfolio: servicecatalog.Portfolio,
    product: servicecatalog.CloudFormationProduct,
    offered: servicecatalog.PortfolioProductAssociation,
    launch_role: Text,
) -> None:
    """A constraint is refused until the portfolio has the product."""
    both = {"PortfolioId": Ref(portfolio), "ProductId": Ref(product), "DependsOn": [offered.title]}
    template.add_resource(
        servicecatalog.LaunchRoleConstraint(
            "LaunchedWithRole",
            Description="Stores are launched with this role, whatever their users may do themselves",
            LocalRoleName=launch_role,
            **both,
        )
    )
    template.add_resource(
        servicecatalog.LaunchTemplateConstraint(
            "WithinBounds",
            Description="The nested templates are the published ones, and the launch role serves nobody's other ends",
            Rules=Sub(json.dumps({"Rules": {"WithinBounds": {"Assertions": _bounds()}}})),
            **both,
        )
    )


def _bounds() -> list[dict[str, object]]:
    """What the launch role could do for users and must not, since it may do more than they."""
    zone = {"Ref": "HostedZoneId"}
    return [
        # It would create what a template of the user's own says.
        {
            "Assert": {"Fn::Contains": [["${PublishedBucket}"], {"Ref": "TemplateBucket"}]},
            "AssertDescription": "TemplateBucket is the bucket of the published templates: leave it as it is.",
        },
        # It would open the patients' images of another store.
        {
            "Assert": {"Fn::Equals": [{"Ref": "DatabaseSnapshot"}, ""]},
            "AssertDescription": "DatabaseSnapshot stays empty: an administrator restores snapshots.",
        },
        # It would enter any name in any zone.
        {
            "Assert": {
                "Fn::Or": [
                    {"Fn::Equals": ["${HostedZone}", ""]},
                    {"Fn::Contains": [["${HostedZone}", ""], zone]},
                ]
            },
            "AssertDescription": "HostedZoneId is the zone that stores are given names in, or empty.",
        },
    ]


def _add_tags(template: Template, inputs: CatalogInputs, portfolio: servicecatalog.Portfolio) -> None:
    template.add_condition("HasCostCenter", Not(Equals(inputs.cost_center, "")))
    for title, key, value, condition in (
        ("Application", "Application", "orthanc-aws", ""),
        ("CostCenter", "CostCenter", inputs.cost_center, "HasCostCenter"),
    ):
        conditional = {"Condition": condition} if condition else {}
        tag = template.add_resource(
            servicecatalog.TagOption(f"{title}Tag", Active=True, Key=key, Value=value, **conditional)
        )
        template.add_resource(
            servicecatalog.TagOptionAssociation(
                f"{title}TagOffer", ResourceId=Ref(portfolio), TagOptionId=Ref(tag), **conditional
            )
        )


def _add_launchers(template: Template, portfolio: servicecatalog.Portfolio) -> None:
    template.add_resource(
        servicecatalog.PortfolioPrincipalAssociation(
            "Launchers",
            PortfolioId=Ref(portfolio),
            # A pattern has no account. It holds in this one: shares do not take principals along.
            PrincipalARN=Sub("arn:${AWS::Partition}:iam:::role/${LauncherRoles}"),
            PrincipalType="IAM_PATTERN",
        )
    )


def _nest_shares(
    template: Template, inputs: CatalogInputs, portfolio: servicecatalog.Portfolio
) -> PortfolioSharesOutputs:
    grantees = (inputs.share_accounts, inputs.share_organization_nodes)
    template.add_condition("IsShared", Or(*(Not(Equals(listed.argument, "")) for listed in grantees)))
    wired = gather(PortfolioSharesInputs, inputs, portfolio=PortfolioId(Ref(portfolio)))
    return nest(template, PORTFOLIO_SHARES, wired, condition="IsShared")


CATALOG = Stack("catalog", CatalogInputs, CatalogOutputs, build)
