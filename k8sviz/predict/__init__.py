"""Predictions: what would Kubernetes do with these manifests? Pure functions, tested on a real cluster's answers."""

from __future__ import annotations

from k8sviz.predict.binding import BindingPrediction, ClaimPrediction, predict_binding
from k8sviz.predict.environment import EnvironmentPrediction, predict_environment
from k8sviz.predict.files import FilesPrediction, predict_files

__all__ = [
    "BindingPrediction",
    "ClaimPrediction",
    "EnvironmentPrediction",
    "FilesPrediction",
    "predict_binding",
    "predict_environment",
    "predict_files",
]
