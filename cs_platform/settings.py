"""Settings, read from the environment; `make run` works with none of them set.

docs/operations.md lists every variable.
"""

import os
import secrets
from datetime import timedelta
from urllib.parse import urlsplit

from csp.constants import NONE, SELF

from cs_platform import env, logs, servers

BASE_DIR = env.BASE_DIR
DATA_DIR = env.data_dir()

PORT = env.number("PORT", 8000)
PUBLIC_URL = env.text("PUBLIC_URL", f"http://localhost:{PORT}").rstrip("/")
HTTPS = PUBLIC_URL.startswith("https://")
DEBUG = env.flag("DEBUG")
ORGANISATION_NAME = env.text("ORGANISATION_NAME", "Harbor")


def _secret_key() -> str:
    """Return SECRET_KEY, or a random key kept in the data folder for a machine of one's own."""
    if key := env.text("SECRET_KEY"):
        return key
    if HTTPS:
        msg = "SECRET_KEY must be set when PUBLIC_URL is https, so that every process shares it."
        raise env.SettingError(msg)
    path = DATA_DIR / "secret_key"
    if not path.exists():
        DATA_DIR.mkdir(parents=True, exist_ok=True)
        path.touch(mode=0o600)
        path.write_text(secrets.token_urlsafe(50))
    return path.read_text()


SECRET_KEY = _secret_key()

_public_host = urlsplit(PUBLIC_URL).hostname or "localhost"
ALLOWED_HOSTS = env.words("ALLOWED_HOSTS") or [
    _public_host,
    "localhost",
    "127.0.0.1",
    "[::1]",
]
CSRF_TRUSTED_ORIGINS = [PUBLIC_URL]

INSTALLED_APPS = [
    "cs_platform",
    "integrations",
    "playbooks",
    "successmaps",
    "health",
    "accounts",
    "team",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.humanize",
    "django.contrib.postgres",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "allauth.usersessions",
    "csp",
    "django_htmx",
    "template_partials",
    "rest_framework",
    "drf_spectacular",
]

MIDDLEWARE = [
    "cs_platform.logs.RequestLogMiddleware",
    "cs_platform.probes.ProbeMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.middleware.gzip.GZipMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "team.middleware.session_limits_middleware",
    "team.middleware.private_pages_middleware",
    "team.middleware.login_redirect_for_htmx_middleware",
    "django.contrib.auth.middleware.LoginRequiredMiddleware",
    "cs_platform.clock.TimeZoneMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "allauth.usersessions.middleware.UserSessionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
]

ROOT_URLCONF = "cs_platform.urls"
WSGI_APPLICATION = "cs_platform.wsgi.application"
# Ingest, API and hooks must never answer with a redirect: SDKs take a 3xx for success and lose data.
APPEND_SLASH = False

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
            "builtins": [
                "django.templatetags.static",
                "cs_platform.templatetags.ui",
                "cs_platform.templatetags.charts",
            ],
        },
    }
]

DATABASE_URL, REDIS_URL = servers.urls(
    data_dir=DATA_DIR,
    database_url=env.text("DATABASE_URL"),
    redis_url=env.text("REDIS_URL"),
)
DATABASES = {"default": env.database(DATABASE_URL)}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

AUTH_USER_MODEL = "team.User"
AUTHENTICATION_BACKENDS = ["allauth.account.auth_backends.AuthenticationBackend"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {
        "NAME": "django.contrib.auth.password_validation.MinimumLengthValidator",
        "OPTIONS": {"min_length": 10},
    },
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "/"
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*"]
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_USER_DISPLAY = "team.models.display_name"
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_EMAIL_UNKNOWN_ACCOUNTS = False  # asking for a link must not make us write to strangers
ACCOUNT_EMAIL_NOTIFICATIONS = True
ACCOUNT_EMAIL_SUBJECT_PREFIX = f"{ORGANISATION_NAME}: "
ACCOUNT_ADAPTER = "team.adapters.InvitationOnlyAdapter"
# WebAuthn's pages need inline scripts, which the CSP refuses.
MFA_SUPPORTED_TYPES = ["totp", "recovery_codes"]
MFA_ADAPTER = "team.adapters.EncryptingMFAAdapter"
MFA_TOTP_ISSUER = ORGANISATION_NAME
MFA_TOTP_TOLERANCE = 1  # steps of 30 s that a phone's clock may be off
# Rate limits and the security log need the client's address, not the proxy's.
ALLAUTH_TRUSTED_PROXY_COUNT = 1 if env.flag("BEHIND_PROXY") else 0

EMAIL_URL = env.text("EMAIL_URL")
globals().update(env.mail(EMAIL_URL))
DEFAULT_FROM_EMAIL = SERVER_EMAIL = env.text("EMAIL_FROM", f"no-reply@{_public_host}")

LANGUAGE_CODE = "en-gb"
TIME_ZONE = "UTC"
USE_I18N = False
USE_TZ = True

STATIC_URL = "/static/"
STATIC_ROOT = BASE_DIR / "static_root"
STATICFILES_DIRS = [BASE_DIR / "static"]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"},
}
# Pages name files by their hash. Pictures and fonts are compressed already; source maps are for debuggers.
WHITENOISE_KEEP_ONLY_HASHED_FILES = True
WHITENOISE_SKIP_COMPRESS_EXTENSIONS = ("map", "png", "jpg", "webp", "gif", "ico", "woff", "woff2", "gz", "br")

# Security. PUBLIC_URL decides about https, so that a local trial works over plain http.
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF],
        "style-src": [SELF],
        "font-src": [SELF],
        "connect-src": [SELF],
        "img-src": [SELF, "data:"],
        "manifest-src": [SELF],
        "base-uri": [NONE],
        "form-action": [SELF],
        "frame-ancestors": [NONE],
    }
}
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = HTTPS
SESSION_COOKIE_NAME = "__Host-sessionid" if HTTPS else "sessionid"
CSRF_COOKIE_NAME = "__Host-csrftoken" if HTTPS else "csrftoken"
SESSION_COOKIE_HTTPONLY = CSRF_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = "Lax"
SESSION_IDLE = timedelta(hours=env.number("SESSION_IDLE_HOURS", 24))
SESSION_LONGEST = timedelta(days=env.number("SESSION_LONGEST_DAYS", 14))
SESSION_COOKIE_AGE = int(SESSION_LONGEST.total_seconds())
SECURE_HSTS_SECONDS = 31_536_000 if HTTPS else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = HTTPS
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CONTENT_TYPE_NOSNIFF = True
X_FRAME_OPTIONS = "DENY"
# The proxy in front sends pages to https; here a redirect would also reach SDKs, which take it for success.
SILENCED_SYSTEM_CHECKS = ["security.W008"]
CSRF_FAILURE_VIEW = "cs_platform.errors.csrf_failure"
if env.flag("BEHIND_PROXY"):
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")

REST_FRAMEWORK: dict[str, object] = {
    "DEFAULT_SCHEMA_CLASS": "team.api.schema.ApiSchema",
    "EXCEPTION_HANDLER": "team.api.problems.handle_exception",
}
SPECTACULAR_SETTINGS = {
    "OAS_VERSION": "3.1.0",
    "TITLE": "Customer success API",
    "VERSION": "1",
    "DESCRIPTION": "Accounts, people, facts and health scores, to read and to keep in step with other systems.",
    "LICENSE": {"name": "Apache-2.0"},
    "SERVERS": [{"url": "/"}],
    "SCHEMA_PATH_PREFIX": "/api/v1",
    "ENFORCE_NON_BLANK_FIELDS": True,
    "ENUM_GENERATE_CHOICE_DESCRIPTION": False,
    "SORT_OPERATION_PARAMETERS": False,
    "POSTPROCESSING_HOOKS": ["team.api.schema.add_shared_parts"],
}
API_REQUESTS_PER_MINUTE = env.number("API_REQUESTS_PER_MINUTE", 600)  # by each key or person; 0: no limit
API_MAX_BODY_BYTES = env.number("API_MAX_BODY_BYTES", 10_000_000)

# Celery only wakes workers; PostgreSQL holds the work (docs/decisions). The figures are
# measured ones: the defaults lose or repeat messages when Redis or a worker dies.
CELERY_BROKER_URL = REDIS_URL
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = False
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_SERIALIZER = "json"
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_TASK_TIME_LIMIT = 300
CELERY_TASK_SOFT_TIME_LIMIT = 270
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_LOST_WAIT = 2  # seconds until a killed child's slot is given away
CELERY_WORKER_MAX_MEMORY_PER_CHILD = env.number("WORKER_MEMORY_MB", 800) * 1000  # then a fresh child takes over
CELERY_WORKER_CANCEL_LONG_RUNNING_TASKS_ON_CONNECTION_LOSS = True
CELERY_WORKER_SOFT_SHUTDOWN_TIMEOUT = env.number("WORKER_SHUTDOWN_SECONDS", 20)
CELERY_WORKER_CONCURRENCY = env.number("WORKER_PROCESSES", os.cpu_count() or 2)
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_CONNECTION_MAX_RETRIES = None  # for ever
CELERY_BROKER_TRANSPORT_OPTIONS = {
    "visibility_timeout": 900,
    "unacked_restore_interval": 5,
    "unacked_restore_throttle": 1,
    "socket_timeout": 5,
    "socket_connect_timeout": 3,
    "health_check_interval": 5,
    "socket_keepalive": True,
}

CACHES = {
    "default": {
        "BACKEND": "team.cache.ForgivingRedisCache",
        "LOCATION": REDIS_URL,
        "KEY_PREFIX": "cache",
        "TIMEOUT": 300,
        "OPTIONS": {"socket_timeout": 1, "socket_connect_timeout": 1},
    }
}

LOGGING = logs.configuration()

# Prometheus sends it as a bearer token; without one only this machine may read /metrics.
METRICS_TOKEN = env.text("METRICS_TOKEN")

# Product settings.
REPORTING_CURRENCY = env.text("REPORTING_CURRENCY", "USD")
ORGANISATION_TIME_ZONE = env.text("ORGANISATION_TIME_ZONE", "UTC")

# How long things are kept, in days; 0 keeps them for ever.
USAGE_EVENT_DAYS = env.number("USAGE_EVENT_DAYS", 400)  # single events; their daily roll-ups stay
SEEN_MESSAGE_DAYS = max(35, env.number("SEEN_MESSAGE_DAYS", 35))  # a message sent again later counts again
INGEST_BATCH_DAYS = env.number("INGEST_BATCH_DAYS", 7)
QUARANTINE_DAYS = env.number("QUARANTINE_DAYS", 90)
HELD_EVENT_DAYS = env.number("HELD_EVENT_DAYS", 35)

# What usage events may say.
USAGE_OLDEST_DAYS = env.number("USAGE_OLDEST_DAYS", 5 * 365)
MAX_EVENT_TYPES = env.number("MAX_EVENT_TYPES", 5000)
