"""The container images of a deployment: what they are made of, and what they hold."""
