"""Joins the three floors. It may import everything; nothing imports it (only `django.conf.settings`)."""

# Loaded with the project so that `celery -A config` finds the app, and tasks bind to it in every process.
from config.celery import app as celery_app

__all__ = ["celery_app"]
