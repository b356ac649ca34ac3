from django.apps import AppConfig


class CsPlatformConfig(AppConfig):
    name = "cs_platform"
