"""What `orthanc-aws` does, one module per verb or concern."""
