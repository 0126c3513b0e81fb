from accounts.views import LoginView, MeView
from django.urls import path

urlpatterns = [
    path("api/login/", LoginView.as_view()),
    path("api/me/", MeView.as_view()),
]
