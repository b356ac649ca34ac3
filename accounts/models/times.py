"""The three times of a fact."""

from django.db import models
from django.utils import timezone


class Fact(models.Model):
    """Something that happened, when we got it, and from when on it counts as known.

    A reader as of T, recorded by R, sees rows with occurred_at < T, known_at <= T, received_at <= R.
    A backfill of history has known_at = occurred_at: it counts as known when it happened.
    """

    occurred_at = models.DateTimeField()
    received_at = models.DateTimeField(default=timezone.now, editable=False)
    known_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        abstract = True


# The predicate every metric and condition uses on a Fact, for a table alias {t}.
VISIBLE = "{t}.occurred_at < %(as_of)s AND {t}.known_at <= %(as_of)s AND {t}.received_at <= %(recorded_by)s"
# The same for rows that can be deleted.
VISIBLE_LIVE = VISIBLE + " AND ({t}.deleted_at IS NULL OR {t}.deleted_at > %(recorded_by)s)"
# A membership at this moment; an account and a contact have at most one, and a deleted contact none.
MEMBER_NOW = "{t}.occurred_at < %(as_of)s AND ({t}.until IS NULL OR {t}.until >= %(as_of)s)"
# A membership that had not ended as of then, as far as was known as of then.
MEMBER = VISIBLE + (
    " AND ({t}.until IS NULL OR {t}.until >= %(as_of)s OR {t}.until_received_at > least(%(as_of)s, %(recorded_by)s))"
)
