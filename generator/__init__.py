"""Renders the CloudFormation templates of the image store: pure functions of the code, without clock or network."""
