"""Typed reading of environment variables that fails loudly at start."""

import os
from pathlib import Path
from urllib.parse import unquote, urlsplit

BASE_DIR = Path(__file__).resolve().parent.parent


class SettingError(RuntimeError):
    """An environment variable holds something that cannot be used."""


def text(name: str, default: str = "") -> str:
    return os.environ.get(name, "").strip() or default


def flag(name: str, *, default: bool = False) -> bool:
    raw = text(name).lower()
    if raw in {"", "1", "true", "yes", "on", "0", "false", "no", "off"}:
        return default if raw == "" else raw in {"1", "true", "yes", "on"}
    msg = f"{name} must be true or false, not {raw!r}."
    raise SettingError(msg)


def number(name: str, default: int) -> int:
    raw = text(name)
    if not raw:
        return default
    try:
        return int(raw)
    except ValueError:
        msg = f"{name} must be a whole number, not {raw!r}."
        raise SettingError(msg) from None


def words(name: str, default: str = "") -> list[str]:
    """Return the comma-separated words of a variable."""
    return [word.strip() for word in text(name, default).split(",") if word.strip()]


def data_dir() -> Path:
    """Return the folder for all that this machine keeps: embedded servers, secret key."""
    return Path(text("DATA_DIR", str(BASE_DIR / ".data"))).absolute()


def mail(url: str) -> dict[str, object]:
    """Return Django's EMAIL_ settings for `smtp://user:password@host:587`, `smtps://…:465`, or "" (no mail).

    smtp:// uses STARTTLS, except with `?tls=false`. Raises SettingError for anything else.
    """
    parts = urlsplit(url)
    if not url:
        return {"EMAIL_BACKEND": "django.core.mail.backends.dummy.EmailBackend"}
    if parts.scheme not in {"smtp", "smtps"} or not parts.hostname:
        msg = "EMAIL_URL must look like smtp://user:password@host:587 or smtps://user:password@host:465."
        raise SettingError(msg)
    is_smtps = parts.scheme == "smtps"
    return {
        "EMAIL_BACKEND": "django.core.mail.backends.smtp.EmailBackend",
        "EMAIL_HOST": parts.hostname,
        "EMAIL_PORT": parts.port or (465 if is_smtps else 587),
        "EMAIL_HOST_USER": unquote(parts.username or ""),
        "EMAIL_HOST_PASSWORD": unquote(parts.password or ""),
        "EMAIL_USE_SSL": is_smtps,
        "EMAIL_USE_TLS": not is_smtps and parts.query != "tls=false",
        "EMAIL_TIMEOUT": 20,
    }


def database(url: str) -> dict[str, object]:
    """Return Django's DATABASES entry for `postgresql://user:password@host:port/name`.

    A socket folder is written as `?host=/folder`. Raises SettingError for anything else.
    """
    parts = urlsplit(url)
    name = unquote(parts.path.lstrip("/"))
    if parts.scheme not in {"postgres", "postgresql"} or not name:
        msg = "DATABASE_URL must look like postgresql://user:password@host:5432/name."
        raise SettingError(msg)
    options = dict(pair.split("=", 1) for pair in parts.query.split("&") if "=" in pair)
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": name,
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": unquote(options.pop("host", "") or parts.hostname or ""),
        "PORT": str(parts.port or ""),
        "OPTIONS": {key: unquote(value) for key, value in options.items()},
        "CONN_MAX_AGE": 60,
        "CONN_HEALTH_CHECKS": True,
    }
