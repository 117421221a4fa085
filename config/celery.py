"""The Celery app. All of its settings, the beat table among them, are CELERY_* in config/settings.py.

Production:  celery -A config.celery worker   and   celery -A config.celery beat
Embedded:    config/background.py, both in one process
"""

import os

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

app = Celery("latchkey", log="config.logs:CeleryLogging")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
