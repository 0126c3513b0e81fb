"""The URLs of the demo project."""

from django.contrib import admin
from django.contrib.auth.views import LoginView, LogoutView
from django.urls import include, path, re_path

from project import views

urlpatterns = [
    path("", views.index, name="index"),
    path("notify/", views.notify, name="notify"),
    path("accounts/login/", LoginView.as_view(), name="login"),
    path("accounts/logout/", LogoutView.as_view(), name="logout"),
    path("accounts/password_change/", views.password_change, name="password_change"),
    path("admin/", admin.site.urls),
    path("realtime/", include("realtime.urls")),
    # Narrow, so that CommonMiddleware still appends slashes.
    re_path(r"^(?P<name>docs/.+|[A-Z][\w.-]+)$", views.document, name="document"),
]
