from importlib import import_module

from django.apps import AppConfig


class AccountsConfig(AppConfig):
    name = "accounts"

    def ready(self) -> None:
        """Fill the catalogue of conditions, and register figures and work."""
        import_module("accounts.conditions.fields")
        import_module("accounts.system")
        import_module("accounts.work_handlers")
