"""The health view; include it as ``path("realtime/", include("realtime.urls"))``."""

from django.urls import path

from realtime.views import pages

app_name = "realtime"

urlpatterns = [path("health/", pages.health, name="health")]
