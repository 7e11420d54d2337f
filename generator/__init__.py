"""Renders the CloudFormation templates of the image store: pure functions of the code, with no clock, network or AWS."""
