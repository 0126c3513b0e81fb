"""The demo's URLs, and the page of the schedules."""

from django.urls import path

from project.urls import urlpatterns as project_urls

from .views import page

urlpatterns = [path("page/", page), *project_urls]
