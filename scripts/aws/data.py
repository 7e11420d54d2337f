"""Which resources bear data: what is lost with them cannot be made again."""

# Types whose loss is the loss of images, of their index, or of what is needed to read or to account for them.
_ALWAYS = frozenset(
    (
        "AWS::Backup::BackupVault",
        "AWS::DynamoDB::Table",
        "AWS::EFS::FileSystem",
        "AWS::KMS::Key",
        "AWS::Logs::LogGroup",
        "AWS::RDS::DBCluster",
        "AWS::S3::Bucket",
    )
)
# Types that hold such data or none: a generated credential, or the only copy; an instance beside its cluster, or alone.
_UNLESS_DELETED = frozenset(("AWS::RDS::DBInstance", "AWS::SecretsManager::Secret"))


def bears_data(resource_type: str, policy: str) -> bool:
    """Whether a resource bears data, by its type and by what its template says is to become of it.

    `policy` is its DeletionPolicy or UpdateReplacePolicy, empty where that is not known. `Delete`, said by the
    template of a secret or of a database instance, says that nothing is lost with it.
    """
    return resource_type in _ALWAYS or (resource_type in _UNLESS_DELETED and policy != "Delete")
