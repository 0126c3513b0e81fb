"""The form of the demo."""

from django import forms
from django.contrib.auth.models import User
from django.utils.translation import gettext_lazy as _


class NotificationForm(forms.Form):
    """A short text for all open pages of a user."""

    user = forms.ModelChoiceField(
        User.objects.order_by("username"),
        label=_("To"),
        to_field_name="username",
        empty_label=None,
    )
    text = forms.CharField(label=_("Text"), max_length=200)
