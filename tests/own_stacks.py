"""What has a small stack pass for one that was made from the root template."""

PARAMETERS = {"ImageStorage": {"Type": "String", "Default": "database"}}
