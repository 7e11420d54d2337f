"""Who may do what: users, passwords and roles. Pure Python, so that the command line uses the very same code."""
