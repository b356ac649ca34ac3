"""Dated values: stage, tier, owner and every attribute an admin defines."""

from django.contrib.postgres.fields import ArrayField
from django.db import models

from accounts.enums import AttributeType, Entity
from accounts.models.times import Fact
from team.models import User


class AttributeDefinition(models.Model):
    """A field of accounts or contacts. Built-in ones (stage, tier, csm, team) also have a column."""

    entity = models.CharField(max_length=16, choices=Entity)
    key = models.SlugField(max_length=60)
    label = models.CharField(max_length=80)
    type = models.CharField(max_length=8, choices=AttributeType, default=AttributeType.TEXT)
    choices = ArrayField(models.CharField(max_length=80), default=list, blank=True)
    is_builtin = models.BooleanField(default=False, editable=False)

    class Meta:
        ordering = ["label"]
        constraints = [models.UniqueConstraint(fields=["entity", "key"], name="attribute_key_per_entity")]

    def __str__(self) -> str:
        return self.label


class AttributeValue(Fact):
    """What an attribute was from occurred_at on; null value: it was cleared."""

    definition = models.ForeignKey(AttributeDefinition, on_delete=models.CASCADE)
    account = models.ForeignKey(
        "accounts.Account",
        null=True,
        blank=True,
        on_delete=models.CASCADE,
        related_name="attribute_values",
    )
    contact = models.ForeignKey(
        "accounts.Contact",
        null=True,
        blank=True,
        on_delete=models.CASCADE,
        related_name="attribute_values",
    )
    value = models.JSONField(null=True)
    actor = models.ForeignKey(User, null=True, blank=True, on_delete=models.SET_NULL)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=models.Q(account=None) ^ models.Q(contact=None),
                name="attribute_of_account_or_contact",
            )
        ]
        indexes = [
            models.Index(
                fields=["account", "definition", "occurred_at"],
                name="attribute_of_account",
            ),
            models.Index(
                fields=["contact", "definition", "occurred_at"],
                name="attribute_of_contact",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.definition_id}={self.value}"
