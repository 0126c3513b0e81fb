"""The demo project's pages."""

from django.conf import settings
from django.contrib.auth.decorators import login_required
from django.contrib.auth.views import PasswordChangeView
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBadRequest
from django.shortcuts import redirect
from django.urls import reverse_lazy
from django.views.decorators.http import require_POST
from django.views.generic import TemplateView

from project.forms import NotificationForm
from realtime.api import StoreUnavailable, publish_to_user

DOCS = settings.BASE_DIR / "docs"


def documents() -> list[tuple[str, str]]:
    """Names and headings of the pages in ``docs/``."""
    return [(path.stem, _heading(path.read_text("utf-8"))) for path in sorted(DOCS.glob("*.md"))]


def _heading(text: str) -> str:
    return text.partition("\n")[0].lstrip("# ")


def document(request: HttpRequest, name: str) -> HttpResponse:
    """A page of ``docs/`` as plain text; ``name`` is a slug, so it cannot leave the folder."""
    path = DOCS / f"{name}.md"
    if not path.is_file():
        raise Http404(name)
    return HttpResponse(path.read_text("utf-8"), content_type="text/plain; charset=utf-8")


index = login_required(
    TemplateView.as_view(
        template_name="index.html",
        extra_context={"documents": documents, "notification": NotificationForm},
    )
)


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
