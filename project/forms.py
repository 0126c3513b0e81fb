"""The form of the demo."""

from django import forms
from django.contrib.auth.models import User


class NotificationForm(forms.Form):
    """A short text for all open pages of a user."""

    user = forms.ModelChoiceField(
        User.objects.order_by("username"),
        label="To",
        to_field_name="username",
        empty_label=None,
    )
    text = forms.CharField(label="Text", max_length=200)
