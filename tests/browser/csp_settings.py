"""The demo under a policy that admits scripts and stylesheets by their nonce only, where the
stock pages of the admin have nonces as well: from Django 6.1 on."""

import django
from django.utils.csp import CSP

from project import settings as demo
from tests.e2e.demo_settings import *  # noqa: F403

SECURE_CSP = dict(demo.SECURE_CSP)
if django.VERSION >= (6, 1):
    SECURE_CSP |= {"script-src": [CSP.NONCE], "style-src": [CSP.NONCE]}
