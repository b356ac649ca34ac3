from django.apps import AppConfig


class SuccessmapsConfig(AppConfig):
    name = "successmaps"
