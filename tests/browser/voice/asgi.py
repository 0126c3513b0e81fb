"""The demo with the consumer of the app ``voice``."""

from importlib import import_module

from django.contrib.staticfiles.handlers import ASGIStaticFilesHandler

from project.asgi import pages  # loads the apps
from realtime.routing import realtime_application

VoiceConsumer = import_module("voice.consumers").VoiceConsumer
application = realtime_application(ASGIStaticFilesHandler(pages), consumer=VoiceConsumer)
