"""Checks of the rendered set: its wiring, its conditions, house rules, and rule packs of others."""
