"""The secrets that tasks start with. No value is ever written down: Secrets Manager generates each of them."""

import json
from dataclasses import dataclass

from troposphere import Ref, Sub, Template, secretsmanager

from generator.core import Stack, output, parameter
from generator.kinds import DeploymentName, KeyArn, SecretArn, Text
from generator.names import substituted
from generator.parts.notes import HIPAA, NIST, Waiver, waived

PASSWORD_LENGTH = 32


@dataclass(frozen=True)
class Generated:
    """A user's name with a generated password; `rotated_by` says what changes it, as no Lambda function does."""

    title: str
    name: str
    purpose: str
    username: str
    rotated_by: str


FIRST_USER = Generated(
    "FirstUser",
    "${Deployment}/first-user",
    "The first user of the image store, an administrator",
    "admin",
    "A person's password: changed by that person, not under the person's feet.",
)
ORTHANC = Generated(
    "OrthancCredential",
    "${Deployment}/orthanc",
    "What NGINX shows to Orthanc",
    "nginx",
    "Both tiers must change at once, which a rotation in the background cannot do without lost requests; it is usable"
    " only from the NGINX tasks' security group.",
)
# The generation is part of the name, so that a rotation makes a second secret and leaves the first as it is until no
# task uses it any more, and a rollback finds it again.
DATABASE = Generated(
    "DatabaseCredential",
    "${Deployment}/database/${DatabaseCredentialGeneration}",
    "The database role that Orthanc logs in with",
    "orthanc_${DatabaseCredentialGeneration}",
    "Rotated by the parameter DatabaseCredentialGeneration together with the tasks that hold it: rotated in the"
    " background it would lock running tasks out.",
)


@dataclass(frozen=True)
class CredentialsInputs:
    deployment: DeploymentName = parameter("The name that the secrets' names begin with.")
    data_key: KeyArn = parameter("The key that encrypts the secrets.")
    database_credential_generation: Text = parameter(
        "Names the database role that Orthanc logs in with. Change it to rotate the role's password: new tasks create"
        " and use a new role, while running ones keep theirs until they are replaced.",
        Default="a",
        AllowedPattern="^[a-z0-9]{1,16}$",
        ConstraintDescription="must be 1 to 16 lower-case letters or digits.",
    )


@dataclass(frozen=True)
class CredentialsOutputs:
    first_user: SecretArn = output("Name and password of the first user, an administrator.")
    users: SecretArn = output("The other users: names, roles and password hashes.")
    orthanc_credential: SecretArn = output("What NGINX shows to Orthanc.")
    database_credential: SecretArn = output("What Orthanc shows to the database.")


def build(template: Template, inputs: CredentialsInputs) -> CredentialsOutputs:
    """Generated secrets: the first user, the further users, and the credentials between the tiers."""
    return CredentialsOutputs(
        first_user=_add_generated(template, inputs, FIRST_USER),
        users=_add_users(template, inputs),
        orthanc_credential=_add_generated(template, inputs, ORTHANC),
        database_credential=_add_generated(template, inputs, DATABASE),
    )


def _add_generated(template: Template, inputs: CredentialsInputs, credential: Generated) -> SecretArn:
    secret = secretsmanager.Secret(
        credential.title,
        DeletionPolicy="Delete",
        UpdateReplacePolicy="Delete",
        Name=Sub(credential.name),
        Description=credential.purpose,
        KmsKeyId=inputs.data_key,
        GenerateSecretString=secretsmanager.GenerateSecretString(
            SecretStringTemplate=substituted(json.dumps({"username": credential.username})),
            GenerateStringKey="password",
            PasswordLength=PASSWORD_LENGTH,
            ExcludePunctuation=True,
        ),
    )
    template.add_resource(waived(secret, _not_rotated_by_lambda(credential.rotated_by)))
    return SecretArn(Ref(secret))


def _add_users(template: Template, inputs: CredentialsInputs) -> SecretArn:
    """Begins without users. CloudFormation sets the value again only if this property changes: it never must."""
    secret = secretsmanager.Secret(
        "Users",
        Name=Sub("${Deployment}/users"),
        Description="The users of the image store: names, roles and password hashes",
        KmsKeyId=inputs.data_key,
        SecretString=json.dumps({"users": {}}),
        DeletionPolicy="RetainExceptOnCreate",
        UpdateReplacePolicy="Retain",
    )
    template.add_resource(
        waived(
            secret,
            _not_rotated_by_lambda("Holds people's password hashes, which only those people can change."),
        )
    )
    return SecretArn(Ref(secret))


def _not_rotated_by_lambda(reason: str) -> Waiver:
    return Waiver(
        reason,
        rule="SecretsManagerRotationEnabled",
        packs=(HIPAA, NIST),
    )


CREDENTIALS = Stack("credentials", CredentialsInputs, CredentialsOutputs, build)
