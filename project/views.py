"""The demo project's pages."""

from django.contrib.auth.decorators import login_required
from django.contrib.auth.views import PasswordChangeView
from django.http import (
    Http404,
    HttpRequest,
    HttpResponse,
    HttpResponseBadRequest,
)
from django.shortcuts import redirect, render
from django.urls import reverse_lazy
from django.views.decorators.http import require_POST

from project import documents
from project.forms import NotificationForm
from realtime.api import StoreUnavailable, publish_to_user


def document(request: HttpRequest, name: str) -> HttpResponse:
    """A page of the documentation, rendered; its pictures and configuration files as they are."""
    path = documents.find(name)
    if path is None:
        raise Http404(name)
    if path.suffix == ".md":
        context = {"heading": documents.heading(path), "html": documents.render(path)}
        return render(request, "document.html", context)
    kind = "image/png" if path.suffix == ".png" else "text/plain; charset=utf-8"
    return HttpResponse(path.read_bytes(), content_type=kind)


@login_required
def index(request: HttpRequest) -> HttpResponse:
    """The connection of this page, a chat and notifications; the first are for oneself."""
    notification = NotificationForm(initial={"user": request.user.get_username()})
    context = {"documents": documents.overview(), "notification": notification}
    return render(request, "index.html", context)


@login_required
@require_POST
def notify(request: HttpRequest) -> HttpResponse:
    """Publish a text to all open pages of a user, and to those that reconnect in time."""
    form = NotificationForm(request.POST)
    if not form.is_valid():
        return HttpResponseBadRequest(
            form.errors.as_text(), content_type="text/plain; charset=utf-8"
        )
    text, sender = form.cleaned_data["text"], request.user.get_username()
    try:
        publish_to_user(form.cleaned_data["user"], {"from": sender, "text": text})
    except StoreUnavailable:
        return HttpResponse(status=503)
    return redirect("index")


# The default template name would replace the admin's page as well.
password_change = PasswordChangeView.as_view(
    template_name="registration/password.html", success_url=reverse_lazy("index")
)
