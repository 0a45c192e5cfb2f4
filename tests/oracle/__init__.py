"""Asks Kubernetes' own code what the predictions predict: see README.md."""
