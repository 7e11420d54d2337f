"""AWS Service Catalog as far as it is emulated: a product is published through CloudFormation, launched and updated."""

import json
import uuid
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.emulator.account import Account, Template


def product(word: str) -> Template:
    """A template to launch, with a parameter."""
    return {
        "Parameters": {"Word": {"Type": "String", "Default": word}},
        "Resources": {"Topic": {"Type": "AWS::SNS::Topic"}},
        "Outputs": {"Word": {"Value": {"Fn::Sub": f"{word} ${{Word}}"}}},
    }


RULES = {
    "Rules": {
        "Words": {"Assertions": [{"Assert": {"Fn::Contains": [["one", "two"], {"Ref": "Word"}]}}]},
    }
}


def catalog(url: str, role: str) -> Template:
    both = {"PortfolioId": {"Ref": "Portfolio"}, "ProductId": {"Ref": "Product"}}

    def resource(name: str, properties: dict[str, Any], **more: Any) -> dict[str, Any]:
        return {"Type": f"AWS::ServiceCatalog::{name}", "Properties": properties, **more}

    trust = {
        "Statement": [
            {
                "Effect": "Allow",
                "Principal": {"Service": "servicecatalog.amazonaws.com"},
                "Action": "sts:AssumeRole",
            }
        ]
    }
    return {
        "Resources": {
            "Role": {
                "Type": "AWS::IAM::Role",
                "Properties": {"RoleName": role, "AssumeRolePolicyDocument": trust},
            },
            "Portfolio": resource("Portfolio", {"DisplayName": "p", "ProviderName": "p"}),
            "Product": resource(
                "CloudFormationProduct",
                {
                    "Name": "product",
                    "Owner": "owner",
                    "ProvisioningArtifactParameters": [{"Name": "1", "Info": {"LoadTemplateFromURL": url}}],
                },
            ),
            "Offer": resource("PortfolioProductAssociation", both),
            "Launch": resource(
                "LaunchRoleConstraint", {**both, "LocalRoleName": {"Ref": "Role"}}, DependsOn=["Offer"]
            ),
            "Words": resource(
                "LaunchTemplateConstraint", {**both, "Rules": json.dumps(RULES)}, DependsOn=["Offer"]
            ),
            "Tag": resource("TagOption", {"Key": "k", "Value": "v"}),
        },
        "Outputs": {"Product": {"Value": {"Ref": "Product"}}},
    }


@pytest.fixture
def stack(account: Account) -> str:
    """The id of a catalog's stack."""
    return account.create(
        catalog(account.publish(product("one")), f"launch-{uuid.uuid4().hex[:8]}"),
        Capabilities=["CAPABILITY_NAMED_IAM"],
    )


@pytest.fixture
def product_id(account: Account, stack: str) -> str:
    assert account.status(stack) == "CREATE_COMPLETE", account.reasons(stack)
    return account.outputs(stack)["Product"]


@pytest.fixture
def client(account: Account) -> Any:
    return account.client("servicecatalog")


def versions(client: Any, product_id: str) -> dict[str, dict[str, Any]]:
    details = client.list_provisioning_artifacts(ProductId=product_id)["ProvisioningArtifactDetails"]
    return {item["Name"]: item for item in details}


def launch(client: Any, product_id: str, artifact_id: str, **parameters: str) -> str:
    record = client.provision_product(
        ProductId=product_id,
        ProvisioningArtifactId=artifact_id,
        ProvisionedProductName="launched",
        ProvisioningParameters=[{"Key": key, "Value": value} for key, value in parameters.items()],
    )["RecordDetail"]
    return str(record["ProvisionedProductId"])


def outputs(account: Account, launched: str) -> dict[str, str]:
    stack_id = account.wait(f"SC-000000000000-{launched}")
    return account.outputs(stack_id)


def test_a_launched_product_is_a_stack_that_a_later_version_updates(
    account: Account, client: Any, product_id: str
) -> None:
    first = versions(client, product_id)["1"]["Id"]
    launched = launch(client, product_id, first)
    assert outputs(account, launched) == {"Word": "one one"}

    second = client.create_provisioning_artifact(
        ProductId=product_id,
        Parameters={"Name": "2", "Info": {"LoadTemplateFromURL": account.publish(product("two"))}},
        IdempotencyToken="token",
    )["ProvisioningArtifactDetail"]["Id"]
    client.update_provisioned_product(
        ProvisionedProductId=launched,
        ProvisioningArtifactId=second,
        ProvisioningParameters=[{"Key": "Word", "Value": "one"}],
        UpdateToken="token",
    )
    assert outputs(account, launched) == {"Word": "two one"}
    shown = client.describe_provisioned_product(Id=launched)["ProvisionedProductDetail"]
    assert (shown["Status"], shown["ProvisioningArtifactId"]) == ("AVAILABLE", second)


def test_what_a_template_constraint_forbids_is_not_launched(client: Any, product_id: str) -> None:
    with pytest.raises(ClientError, match="Rule Words"):
        launch(client, product_id, versions(client, product_id)["1"]["Id"], Word="three")


def test_a_version_that_cannot_be_read_is_refused(client: Any, product_id: str) -> None:
    info = {"LoadTemplateFromURL": "https://templates.s3.us-east-1.amazonaws.com/none.json"}
    with pytest.raises(ClientError, match="Invalid templateUrl"):
        client.create_provisioning_artifact(
            ProductId=product_id, Parameters={"Name": "2", "Info": info}, IdempotencyToken="token"
        )


def test_an_inactive_version_is_not_launched(client: Any, product_id: str) -> None:
    artifact = versions(client, product_id)["1"]["Id"]
    client.update_provisioning_artifact(
        ProductId=product_id, ProvisioningArtifactId=artifact, Active=False, Guidance="DEPRECATED"
    )
    assert versions(client, product_id)["1"]["Guidance"] == "DEPRECATED"
    with pytest.raises(ClientError, match="cannot be launched"):
        launch(client, product_id, artifact)


def test_the_catalog_goes_with_its_stack(account: Account, client: Any, stack: str, product_id: str) -> None:
    account.delete(stack)
    assert account.status(stack) == "DELETE_COMPLETE"
    with pytest.raises(ClientError, match="ResourceNotFoundException"):
        client.list_provisioning_artifacts(ProductId=product_id)


def test_a_constraint_needs_its_product_in_the_portfolio(account: Account, client: Any) -> None:
    portfolio = client.create_portfolio(DisplayName="p", ProviderName="p", IdempotencyToken="token")
    with pytest.raises(ClientError, match="not in the portfolio"):
        client.create_constraint(
            PortfolioId=portfolio["PortfolioDetail"]["Id"],
            ProductId="prod-none",
            Parameters="{}",
            Type="LAUNCH",
            IdempotencyToken="token",
        )


def test_an_operation_that_is_not_emulated_says_so(client: Any) -> None:
    with pytest.raises(ClientError, match="ListPortfolios is not emulated"):
        client.list_portfolios()
