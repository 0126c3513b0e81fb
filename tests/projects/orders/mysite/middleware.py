from django.conf import settings
from django.http import HttpResponse


class CrossOrigin:
    """Admits the one page that uses the API."""

    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request):
        preflight = request.method == "OPTIONS"
        response = HttpResponse(status=204) if preflight else self.get_response(request)
        if request.headers.get("Origin") == settings.PAGE_ORIGIN:
            response["Access-Control-Allow-Origin"] = settings.PAGE_ORIGIN
            response["Access-Control-Allow-Credentials"] = "true"
            response["Access-Control-Allow-Headers"] = "content-type"
        return response
