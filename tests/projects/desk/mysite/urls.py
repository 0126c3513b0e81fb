from chat.views import room
from django.contrib import admin
from django.urls import path

urlpatterns = [
    path("admin/", admin.site.urls),
    path("<slug:name>/", room),
]
