"""The code of Lambda functions: each file is the whole of one, as its template holds it."""
