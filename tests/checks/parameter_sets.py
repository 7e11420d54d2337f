"""Parameter sets whose deployments differ wherever the templates decide something."""

from pathlib import Path

from scripts.operations.validate import load_parameters

_FOLDER = Path(__file__).parents[2] / "parameters"
_PRODUCTION = load_parameters(_FOLDER / "production.json")

PARAMETER_SETS = {
    "production": _PRODUCTION,
    "private": load_parameters(_FOLDER / "private.json"),
    "small": load_parameters(_FOLDER / "small.json"),
    "with every option": {
        **_PRODUCTION,
        "AccessMode": "jwt",
        "JwtIssuer": "https://login.example.org",
        "JwtJwksUrl": "https://login.example.org/keys",
        "OrthancInterface": "true",
        "ClientRanges": "192.0.2.0/28,192.0.2.16/28,192.0.2.32/28,192.0.2.48/28,192.0.2.64/28",
        "ImageStorage": "s3",
        "CreateTrail": "true",
        "DatabaseSnapshot": "arn:aws:rds:us-east-1:123456789012:cluster-snapshot:orthanc",
        "BackupCopyVaultArn": "arn:aws:backup:us-west-2:210987654321:backup-vault:copies",
        "DatabaseExport": "weekly",
        "MonthlyBudget": "1000",
    },
}

# Of the stacks that are launched by themselves: the name of the stack, and values that its conditions differ in.
BESIDE_THE_ROOT: dict[str, tuple[str, dict[str, str]]] = {
    "images": ("images", {"SourceBucket": "artifacts", "SourceKey": "images/source.tar.gz"}),
    "images of an organization": (
        "images",
        {
            "SourceBucket": "artifacts",
            "SourceKey": "images/source.tar.gz",
            "OrganizationId": "o-a1b2c3d4e5",
            "Architecture": "X86_64",
        },
    ),
    "catalog": (
        "catalog",
        {
            "PublishedBucket": "artifacts",
            "LauncherRoles": "aws-reserved/sso.amazonaws.com/eu-west-1/AWSReservedSSO_Imaging_*",
            "FirstVersion": "1.0",
            "FirstTemplate": "orthanc-aws/1.0/root.yaml",
        },
    ),
    "catalog for other accounts": (
        "catalog",
        {
            "PublishedBucket": "artifacts",
            "LauncherRoles": "Imaging",
            "FirstVersion": "1.0",
            "FirstTemplate": "orthanc-aws/1.0/root.yaml",
            "CostCenter": "radiology",
            "ShareAccounts": "210987654321,109876543210",
        },
    ),
    "catalog for organizational units": (
        "catalog",
        {
            "PublishedBucket": "artifacts",
            "LauncherRoles": "Imaging",
            "FirstVersion": "1.0",
            "FirstTemplate": "orthanc-aws/1.0/root.yaml",
            "ShareOrganizationNodes": "ou-a1b2-11111111,ou-a1b2-22222222,o-a1b2c3d4e5",
        },
    ),
}
