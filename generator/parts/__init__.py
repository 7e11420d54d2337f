"""Fragments that several stacks share."""
