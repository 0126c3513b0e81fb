"""A second backend: users who came by a link."""

from typing import Any

from django.contrib.auth.backends import BaseBackend

from .models import Account


class LinkBackend(BaseBackend):
    def get_user(self, user_id: Any) -> Any:
        return Account.objects.filter(pk=user_id).first()
