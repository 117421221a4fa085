"""Measurements: how many statements an operation takes, and how much load a running portal carries."""
