from django.contrib.auth.decorators import login_required
from django.shortcuts import render


@login_required(login_url="/admin/login/")
def room(request, name):
    return render(request, "room.html", {"name": name})
