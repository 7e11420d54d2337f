"""Where the templates of nested stacks lie: the same three parameters in every template that nests others."""

from dataclasses import dataclass

from generator.core import parameter
from generator.kinds import BucketName, Text


@dataclass(frozen=True)
class LocationInputs:
    """What a parent's `TemplateURL`s are made of."""

    template_bucket: BucketName = parameter("The S3 bucket that holds the templates of the nested stacks.")
    template_region: Text = parameter(
        "The AWS region of that bucket.",
        AllowedPattern="^[a-z]{2}(-[a-z]+)+-[0-9]{1,2}$",
        ConstraintDescription="must be the name of a region, such as eu-west-1.",
    )
    template_key_prefix: Text = parameter(
        "What the templates' keys begin with in that bucket; empty, or ending in a slash.",
        Default="",
        AllowedPattern=r"^([A-Za-z0-9._-]+/)*$",
        ConstraintDescription="must be empty or end in a slash.",
    )
