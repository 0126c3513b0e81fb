"""Users whose key and name the environment chooses: ``KEY`` is "uuid" or "email", ``NAME`` the
field. Their manager knows no natural keys."""

import os
import uuid
from typing import Any, ClassVar

from django.contrib.auth.base_user import AbstractBaseUser
from django.db import models


def _key() -> "models.Field[Any, Any]":
    if os.environ["KEY"] == "uuid":
        return models.UUIDField(primary_key=True, default=uuid.uuid4)
    return models.EmailField(primary_key=True)


class Account(AbstractBaseUser):
    key = _key()
    email = models.EmailField(unique=True)
    nick = models.CharField(max_length=50, unique=True, null=True)
    is_staff = models.BooleanField(default=True)
    objects: ClassVar[Any] = models.Manager()

    USERNAME_FIELD = os.environ["NAME"]

    def __str__(self) -> str:
        return self.nick or self.email

    def has_perm(self, perm: str, obj: object = None) -> bool:
        return True

    def has_module_perms(self, app: str) -> bool:
        return True
