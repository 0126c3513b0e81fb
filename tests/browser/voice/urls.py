"""The pages of the demo, and that of the app ``voice``."""

from django.urls import include, path
from django.views.generic import TemplateView

urlpatterns = [
    path("voice/", TemplateView.as_view(template_name="voice/talk.html")),
    path("", include("project.urls")),
]
