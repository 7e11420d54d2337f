"""The command line `orthanc-aws` and what it does."""
