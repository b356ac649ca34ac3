"""Accounts, contacts and how they belong together."""

from django.db import models
from django.db.models import Q
from django.utils import timezone

from accounts.enums import ContactRole, Entity, Stage, Tier
from accounts.models.times import Fact
from team.enums import AccessLevel, Function
from team.models import Team, User
from team.sync import LiveManager, SyncRow


class AccountQuerySet(models.QuerySet["Account"]):
    def visible_to(self, user: User) -> "AccountQuerySet":
        """Accounts a user may see: all for editors, else those of no team, of theirs, or given to them."""
        if user.access_level in {AccessLevel.ADMIN, AccessLevel.EDITOR}:
            return self
        return self.filter(
            Q(team=None)
            | Q(team__in=user.teams.values("pk"))
            | Q(csm=user)
            | Q(pk__in=AccountTeamMember.objects.current().filter(user=user).values("account"))
        )


class Account(SyncRow):
    """A customer company. Columns below `attributes` are projections of dated rows."""

    name = models.CharField(max_length=200)
    domain = models.CharField(max_length=253, blank=True)
    parent = models.ForeignKey(
        "self",
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="children",
    )
    customer_since = models.DateField(null=True, blank=True)
    attributes = models.JSONField(default=dict, blank=True, help_text="Current attribute values by key.")
    stage = models.CharField(max_length=16, choices=Stage, blank=True)
    tier = models.CharField(max_length=16, choices=Tier, blank=True)
    csm = models.ForeignKey(User, null=True, blank=True, on_delete=models.SET_NULL, related_name="accounts")
    team = models.ForeignKey(Team, null=True, blank=True, on_delete=models.SET_NULL, related_name="accounts")
    arr = models.DecimalField(
        max_digits=16,
        decimal_places=2,
        null=True,
        blank=True,
        help_text="In the reporting currency; null: unknown.",
    )
    renews_on = models.DateField(null=True, blank=True)
    merged_into = models.ForeignKey(
        "self", null=True, blank=True, on_delete=models.SET_NULL, related_name="merged", editable=False
    )

    objects = LiveManager.from_queryset(AccountQuerySet)()
    all_objects = AccountQuerySet.as_manager()

    class Meta(SyncRow.Meta):
        ordering = ["name", "id"]
        indexes = [
            *SyncRow.Meta.indexes,
            models.Index(
                fields=["name", "id"],
                condition=Q(deleted_at=None),
                name="account_by_name",
            ),
            models.Index(fields=["csm"], name="account_by_csm"),
            models.Index(
                models.F("arr").desc(nulls_last=True), "id", condition=Q(deleted_at=None), name="account_by_arr"
            ),
            models.Index(fields=["renews_on", "id"], condition=Q(deleted_at=None), name="account_by_renewal"),
        ]

    def __str__(self) -> str:
        return self.name


class AccountTeamMemberQuerySet(models.QuerySet["AccountTeamMember"]):
    def current(self) -> "AccountTeamMemberQuerySet":
        return self.filter(until=None)


class AccountTeamMember(models.Model):
    """A user who serves an account in a function."""

    account = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="team_members")
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="account_memberships")
    function = models.CharField(max_length=16, choices=Function)
    since = models.DateTimeField(default=timezone.now)
    until = models.DateTimeField(null=True, blank=True)

    objects = AccountTeamMemberQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["account", "user", "function"],
                condition=Q(until=None),
                name="account_team_member_once",
            )
        ]

    def __str__(self) -> str:
        return f"{self.user} ({self.function})"


class Persona(models.Model):
    """A type of contact with its own definition of success."""

    name = models.CharField(max_length=80, unique=True)
    definition_of_success = models.TextField(blank=True)
    condition = models.JSONField(null=True, blank=True)
    position = models.PositiveSmallIntegerField(default=0, help_text="Where several match, the lowest wins.")

    class Meta:
        ordering = ["position", "name"]

    def __str__(self) -> str:
        return self.name


class Contact(SyncRow):
    """A person. Personal identifiers live here and in external ids only."""

    name = models.CharField(max_length=200, blank=True)
    email = models.EmailField(max_length=254, blank=True)
    title = models.CharField(max_length=150, blank=True)
    phone = models.CharField(max_length=40, blank=True)
    time_zone = models.CharField(max_length=64, blank=True)
    attributes = models.JSONField(default=dict, blank=True, help_text="Current attribute values by key.")
    persona = models.ForeignKey(
        Persona,
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="contacts",
    )
    merged_into = models.ForeignKey(
        "self", null=True, blank=True, on_delete=models.SET_NULL, related_name="merged", editable=False
    )
    accounts = models.ManyToManyField(Account, through="Membership", related_name="contacts")

    objects = LiveManager["Contact"]()
    all_objects: "models.Manager[Contact]" = models.Manager()

    class Meta(SyncRow.Meta):
        ordering = ["name", "id"]
        indexes = [
            *SyncRow.Meta.indexes,
            models.Index(fields=["email"], name="contact_by_email"),
        ]

    def __str__(self) -> str:
        return self.name or self.email or f"Contact {self.pk}"


class Membership(Fact):
    """A contact at an account from occurred_at on, until they leave."""

    contact = models.ForeignKey(Contact, on_delete=models.CASCADE, related_name="memberships")
    account = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="memberships")
    role = models.CharField(max_length=16, choices=ContactRole, default=ContactRole.END_USER)
    until = models.DateTimeField(null=True, blank=True)
    until_received_at = models.DateTimeField(
        null=True,
        blank=True,
        editable=False,
        help_text="When we learned that they left; replays before it do not see it.",
    )

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["contact", "account"],
                condition=Q(until=None),
                name="membership_current_once",
            )
        ]
        indexes = [models.Index(fields=["account", "contact"], name="membership_by_account")]

    def __str__(self) -> str:
        return f"{self.contact_id} at {self.account_id}"


class ContactPersona(Fact):
    """Which persona a contact had from occurred_at on; null: none. Pinned by hand, or by rule."""

    contact = models.ForeignKey(Contact, on_delete=models.CASCADE, related_name="persona_history")
    persona = models.ForeignKey(Persona, null=True, on_delete=models.CASCADE)
    is_pinned = models.BooleanField(default=False)
    actor = models.ForeignKey(User, null=True, blank=True, on_delete=models.SET_NULL)

    class Meta:
        indexes = [models.Index(fields=["contact", "occurred_at"], name="persona_of_contact")]

    def __str__(self) -> str:
        return f"{self.contact_id}: {self.persona_id}"


class SegmentQuerySet(models.QuerySet["Segment"]):
    def visible_to(self, user: User) -> "SegmentQuerySet":
        """Segments that are shared, or the user's own."""
        return self.filter(Q(is_shared=True) | Q(owner=user))


class Segment(models.Model):
    """A saved condition over accounts."""

    name = models.CharField(max_length=80)
    condition = models.JSONField()
    owner = models.ForeignKey(User, null=True, blank=True, on_delete=models.CASCADE, related_name="segments")
    is_shared = models.BooleanField(default=True)
    created_at = models.DateTimeField(default=timezone.now)

    objects = SegmentQuerySet.as_manager()

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


class ListColumns(models.Model):
    """The columns somebody wants to see in the accounts list, by their keys."""

    user = models.OneToOneField(User, primary_key=True, on_delete=models.CASCADE, related_name="list_columns")
    keys = models.JSONField(default=list)

    def __str__(self) -> str:
        return ", ".join(self.keys)


class ExternalId(models.Model):
    """What another system calls a row of ours."""

    entity = models.CharField(max_length=16, choices=Entity)
    system = models.CharField(max_length=60)
    value = models.CharField(max_length=255)
    object_id = models.BigIntegerField()
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["entity", "system", "value"], name="external_id_once")]
        indexes = [models.Index(fields=["entity", "object_id"], name="external_ids_of_row")]

    def __str__(self) -> str:
        return f"{self.system}:{self.value}"
