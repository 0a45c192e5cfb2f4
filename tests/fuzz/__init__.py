"""Hostile input for everything that reads any: `make fuzz`, and a short deterministic part in `make test`."""
