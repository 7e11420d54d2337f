"""Clients of a running image store, local or deployed: they know its URL and a credential, and nothing of AWS."""
