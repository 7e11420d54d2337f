"""Thin modules on boto3, one idea each. Nothing here prints or knows of the command line."""
