"""Thin modules on boto3: one AWS service or one idea each. Nothing here prints or knows of the command line."""
