"""The people who work here, their keys, the security log, and work that is due."""

from typing import ClassVar

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models.functions import Lower
from django.utils import timezone

from team.enums import AccessLevel, Function, WorkState
from team.idempotency import KeptAnswer
from team.sync import ChangeOffset

__all__ = [
    "ApiKey",
    "ChangeOffset",
    "KeptAnswer",
    "Schedule",
    "SecurityEvent",
    "Team",
    "User",
    "Work",
]


class Team(models.Model):
    """A group of users; accounts given to a team are seen by its members only."""

    name = models.CharField(max_length=100, unique=True)

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


class UserManager(BaseUserManager["User"]):
    def create_user(self, email: str, password: str | None = None, **fields: object) -> "User":
        user = self.model(email=self.normalize_email(email).lower(), **fields)
        user.set_password(password)
        user.save()
        return user


class User(AbstractBaseUser):
    """Somebody who signs in here. What they may do is the access level, what they do the function."""

    email = models.EmailField(max_length=254, unique=True)
    name = models.CharField(max_length=150, blank=True)
    access_level = models.CharField(max_length=12, choices=AccessLevel, default=AccessLevel.VIEWER)
    function = models.CharField(max_length=16, choices=Function, default=Function.CSM)
    teams = models.ManyToManyField(Team, blank=True, related_name="users")
    time_zone = models.CharField(max_length=64, default="UTC")
    is_active = models.BooleanField(default=True)
    created_at = models.DateTimeField(default=timezone.now)

    objects = UserManager()

    USERNAME_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = []

    class Meta:
        ordering = ["name", "email"]
        constraints = [models.UniqueConstraint(Lower("email"), name="user_email_any_case")]

    def __str__(self) -> str:
        return display_name(self)

    @property
    def is_admin(self) -> bool:
        return self.access_level == AccessLevel.ADMIN

    @property
    def can_configure(self) -> bool:
        """Whether they may change scorecards, sources, personas and the like."""
        return self.access_level in {AccessLevel.ADMIN, AccessLevel.EDITOR}

    @property
    def can_contribute(self) -> bool:
        """Whether they may change accounts they see and write activities."""
        return self.access_level != AccessLevel.VIEWER


def display_name(user: User) -> str:
    """Return the name shown for a user: the name, else the part before the @."""
    return user.name or user.email.split("@")[0]


class ApiKey(models.Model):
    """A key of another system. Only its hash is kept; the prefix finds it."""

    name = models.CharField(max_length=100)
    prefix = models.CharField(max_length=16, unique=True)
    secret_hash = models.CharField(max_length=64)
    scopes = ArrayField(models.CharField(max_length=40))
    created_by = models.ForeignKey(User, null=True, blank=True, on_delete=models.SET_NULL)
    created_at = models.DateTimeField(default=timezone.now)
    expires_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)
    last_used_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-created_at"]

    def __str__(self) -> str:
        return self.name


class SecurityEvent(models.Model):
    """Who got in, or changed who may: append-only, each row hashed with the one before."""

    kind = models.CharField(max_length=40)
    user = models.ForeignKey(
        User,
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="security_events",
    )
    subject = models.CharField(max_length=200, blank=True)
    ip_address = models.GenericIPAddressField(null=True, blank=True)
    detail = models.JSONField(default=dict)
    occurred_at = models.DateTimeField(default=timezone.now)
    previous_hash = models.CharField(max_length=64, blank=True)
    hash = models.CharField(max_length=64)

    class Meta:
        ordering = ["-id"]

    def __str__(self) -> str:
        return f"{self.kind} {self.subject}"


class Work(models.Model):
    """Something due: claimed under a lease, done once. See work.py."""

    kind = models.CharField(max_length=40)
    key = models.CharField(max_length=200, blank=True)
    payload = models.JSONField(default=dict)
    state = models.CharField(max_length=8, choices=WorkState, default=WorkState.DUE)
    priority = models.SmallIntegerField(default=0)
    due_at = models.DateTimeField(default=timezone.now)
    attempts = models.PositiveSmallIntegerField(default=0)
    fence = models.BigIntegerField(default=0)
    lease_until = models.DateTimeField(null=True, blank=True)
    error = models.TextField(blank=True)
    created_at = models.DateTimeField(default=timezone.now)
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["kind", "key"],
                condition=models.Q(state="due") & ~models.Q(key=""),
                name="work_one_due_per_key",
            )
        ]
        indexes = [
            models.Index(
                fields=["priority", "due_at"],
                condition=models.Q(state="due"),
                name="work_due",
            ),
            models.Index(
                fields=["lease_until"],
                condition=models.Q(state="running"),
                name="work_leases",
            ),
            models.Index(fields=["kind", "state", "finished_at"], name="work_kind"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.key}"


class Schedule(models.Model):
    """When a declared schedule runs next; the timetable declares it, the row decides."""

    name = models.CharField(max_length=60, unique=True)
    every_seconds = models.PositiveIntegerField(null=True, blank=True)
    daily_at = models.TimeField(null=True, blank=True, help_text="UTC")
    next_run_at = models.DateTimeField()
    last_run_at = models.DateTimeField(null=True, blank=True)
    is_enabled = models.BooleanField(default=True)

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name
