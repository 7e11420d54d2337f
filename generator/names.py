"""How things are called: logical ids, ARNs, and the principals that AWS services act as."""

from troposphere import Join, Select, Split, StackId, Sub, Tags

# Services whose principal is not `SERVICE.amazonaws.com` in every partition. Source: the AWS CDK's region-info package
# (`Default.servicePrincipal`) and the IAM user guide's page on AWS service principals.
_REGIONAL_PRINCIPALS = {"logs": "logs.${AWS::Region}.${AWS::URLSuffix}"}


def logical(name: str) -> str:
    """The CloudFormation name of a Python one: `log_group_arn` becomes `LogGroupArn`."""
    return "".join(word[:1].upper() + word[1:] for word in name.split("_"))


def arn(
    service: str, resource: str, region: str = "${AWS::Region}", account: str = "${AWS::AccountId}"
) -> Sub:
    """An ARN in whatever partition the stack is in; `resource` may hold `${...}` as in Fn::Sub."""
    return Sub(f"arn:${{AWS::Partition}}:{service}:{region}:{account}:{resource}")


def service_principal(service: str) -> str | Sub:
    """The principal that an AWS service acts as.

    Service principals are identifiers, not host names: all but a few end in `.amazonaws.com` in the China partition
    too, so `AWS::URLSuffix` would name a principal there that does not exist.
    """
    if service in _REGIONAL_PRINCIPALS:
        return Sub(_REGIONAL_PRINCIPALS[service])
    return f"{service}.amazonaws.com"


def substituted(text: str) -> str | Sub:
    """Fn::Sub of a text that holds `${...}`; a text without any is left as it is."""
    return Sub(text) if "${" in text else text


def name_tag(name: str) -> Tags:
    """The tag that consoles show as a resource's name: the deployment's, and `name` behind it."""
    return Tags(Name=Sub(f"${{Deployment}}-{name}"))


def unique_name() -> Join:
    """`orthanc-` and the first eight digits of the stack's own id, which no update can change.

    What a deleted stack leaves behind on purpose (its logs, its last snapshot) can then never be in a new one's way,
    and no edit of a parameter can give the database a new name, and with it an empty successor.
    """
    unique_id = Select(2, Split("/", StackId))
    return Join("-", ["orthanc", Select(0, Split("-", unique_id))])
