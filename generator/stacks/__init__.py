"""One module per nested template."""
