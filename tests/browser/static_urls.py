"""The demo's URLs, and ``/dot/``: a page with the element and a script that imports the client."""

from django.http import HttpRequest, HttpResponse
from django.template import RequestContext, Template
from django.urls import path

from project.urls import urlpatterns as project_urls

PAGE = """{% load realtime static %}<!doctype html>
<title>A dot</title>
{% realtime_status %}
<script type="module">
  import { connect } from "{% static 'realtime/realtime-status.js' %}";
  window.connect = connect;
</script>"""


def dot(request: HttpRequest) -> HttpResponse:
    return HttpResponse(Template(PAGE).render(RequestContext(request)))


urlpatterns = [path("dot/", dot), *project_urls]
