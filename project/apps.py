"""The demo project as an app, for its command and its static files."""

from django.apps import AppConfig


class ProjectConfig(AppConfig):
    """Holds `manage.py demo` and `static/project/`."""

    name = "project"
