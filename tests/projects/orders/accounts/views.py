from django.contrib.auth import authenticate, login
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.response import Response
from rest_framework.views import APIView


class LoginView(APIView):
    authentication_classes = ()
    permission_classes = ()

    def post(self, request):
        user = authenticate(request, **request.data)
        if user is None:
            raise AuthenticationFailed
        login(request._request, user)
        return Response({"id": user.pk})


class MeView(APIView):
    def get(self, request):
        return Response({"id": request.user.pk, "email": request.user.email})
