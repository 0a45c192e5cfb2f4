"""Turning a Diagram into a format. Nothing here knows Kubernetes' rules; everything here escapes its text."""
