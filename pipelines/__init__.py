"""Tinsmith: one recipe in, one small, proven, registered model out."""

__version__ = "0.1.0"
