"""What the public load balancer lets through in the access mode jwt."""

from tests.checks.rendered import rendered_set


def test_only_dicomwebs_preflights_pass_without_a_checked_token() -> None:
    unchecked = {}
    for name, resource in rendered_set()["public_balancer"].resources(
        "AWS::ElasticLoadBalancingV2::ListenerRule"
    ):
        first, *_ = sorted(resource["Properties"]["Actions"], key=lambda action: action.get("Order", 1))
        if first["Type"] != "jwt-validation":
            unchecked[name] = [
                condition.get("HttpRequestMethodConfig", condition.get("PathPatternConfig"))["Values"]
                for condition in resource["Properties"]["Conditions"]
            ]
    assert unchecked == {"PreflightRule": [["OPTIONS"], ["/dicom-web/*"]]}
