"""The product's settings, with what makes tests quick and independent of a built front end."""

from cs_platform.settings import *  # noqa: F403 -- all of them
from cs_platform.settings import CACHES, STORAGES

PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
STORAGES = {**STORAGES, "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}}
EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
# A prefix of its own and a clear() by prefix would need a scan; another Redis database is simpler.
CACHES = {"default": {**CACHES["default"], "OPTIONS": {**CACHES["default"]["OPTIONS"], "db": "15"}}}
# Styles and scripts straight from static/, whether they are collected or not.
WHITENOISE_AUTOREFRESH = WHITENOISE_USE_FINDERS = True
