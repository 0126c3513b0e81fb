from django.conf.urls.i18n import i18n_patterns
from django.contrib import admin
from django.contrib.auth.views import LoginView
from django.urls import path, re_path

from mysite.views import page

urlpatterns = [
    path("admin/", admin.site.urls),
    path("login/", LoginView.as_view(), name="login"),
]
urlpatterns += i18n_patterns(
    re_path(r"^((?:[\w-]+/)*)$", page),
    prefix_default_language=False,
)
