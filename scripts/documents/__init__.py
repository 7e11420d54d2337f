"""Keeps the documentation true: the picture, and the tables that say what the code says."""
