from django.http import Http404
from django.shortcuts import render

PAGES = {"": "Today", "about/": "About us"}


def page(request, name):
    if name not in PAGES:
        raise Http404(name)
    return render(request, "page.html", {"title": PAGES[name]})
