"""What can be asked about a contact, apart from attributes and what upper apps register."""

from accounts.conditions.account_fields import KIND, SURVEY, TICKET_PARAMS, open_ticket_filter
from accounts.conditions.catalogue import Field, FieldType, Params, Source, register_field
from accounts.conditions.moment import Moment, Sql
from accounts.enums import ContactRole, Entity
from accounts.models import Persona
from accounts.models.times import MEMBER, VISIBLE, VISIBLE_LIVE

CONTACT, CONTACT_WITH_US = "Contact", "Contact and support"

_ROLES = (
    "SELECT m.contact_id AS id, array_agg(DISTINCT m.role::text) AS value"  # noqa: S608 -- constants
    f" FROM accounts_membership AS m WHERE {MEMBER.format(t='m')} GROUP BY m.contact_id"
)
_PERSONA = (
    "SELECT DISTINCT ON (p.contact_id) p.contact_id AS id, p.persona_id AS value, p.occurred_at AS since"  # noqa: S608
    f" FROM accounts_contactpersona AS p WHERE {VISIBLE.format(t='p')}"
    " ORDER BY p.contact_id, p.occurred_at DESC, p.id DESC"
)


def _own(expression: str) -> Source:
    text = f"SELECT row.id, {expression.replace('{row}', 'row')} AS value FROM accounts_contact AS row"  # noqa: S608
    return lambda _params, _moment: Sql(text)


def _last_activity(params: Params, _moment: Moment) -> Sql:
    kind = " AND x.kind = %(kind)s" if params["kind"] else ""
    return Sql(
        "SELECT w.contact_id AS id, (max(x.occurred_at) AT TIME ZONE 'UTC')::date AS value"  # noqa: S608 -- constants
        " FROM accounts_activity_contacts AS w JOIN accounts_activity AS x ON x.id = w.activity_id"
        f" WHERE {VISIBLE_LIVE.format(t='x')}{kind} GROUP BY w.contact_id",
        {"kind": params["kind"]} if kind else {},
    )


def _open_tickets(params: Params, _moment: Moment) -> Sql:
    return Sql(
        "SELECT s.contact_id AS id, count(*) AS value FROM ("  # noqa: S608 -- constants
        "SELECT DISTINCT ON (t.contact_id, c.ticket_id) t.contact_id, c.status, c.priority, c.is_escalated"
        " FROM accounts_ticketchange AS c JOIN accounts_ticket AS t ON t.id = c.ticket_id"
        f" WHERE {VISIBLE.format(t='c')} AND t.contact_id IS NOT NULL"
        " AND (t.deleted_at IS NULL OR t.deleted_at > %(recorded_by)s)"
        " ORDER BY t.contact_id, c.ticket_id, c.occurred_at DESC, c.id DESC) AS s"
        f" WHERE {open_ticket_filter(params)} GROUP BY s.contact_id",
        {"priority": params["priority"]} if params["priority"] else {},
    )


def _survey_score(params: Params, _moment: Moment) -> Sql:
    return Sql(
        "SELECT DISTINCT ON (r.contact_id) r.contact_id AS id, r.score AS value, r.occurred_at AS since"  # noqa: S608
        f" FROM accounts_surveyresponse AS r WHERE {VISIBLE_LIVE.format(t='r')}"
        " AND r.contact_id IS NOT NULL AND r.kind = %(kind)s"
        " ORDER BY r.contact_id, r.occurred_at DESC, r.id DESC",
        {"kind": params["kind"]},
    )


def personas() -> list[tuple[str, str]]:
    return [(str(persona.pk), persona.name) for persona in Persona.objects.all()]


def _text(key: str, label: str, expression: str) -> Field:
    expression = f"NULLIF({expression}, '')"
    return Field(key, label, FieldType.TEXT, CONTACT, _own(expression), Entity.CONTACT, column=expression)


register_field(
    _text("name", "Name", "{row}.name"),
    _text("title", "Job title", "{row}.title"),
    _text("email_domain", "E-mail domain", "split_part({row}.email, '@', 2)"),
    _text("time_zone", "Time zone", "{row}.time_zone"),
    Field(
        "role",
        "Role",
        FieldType.SET,
        CONTACT,
        lambda _params, _moment: Sql(_ROLES),
        Entity.CONTACT,
        choices=lambda: list(ContactRole.choices),
        member_column="{member}.roles",
    ),
    Field(
        "persona",
        "Persona",
        FieldType.REFERENCE,
        CONTACT,
        lambda _params, _moment: Sql(_PERSONA),
        Entity.CONTACT,
        choices=personas,
        column="{row}.persona_id",
        has_since=True,
    ),
    Field(
        "last_activity",
        "Last activity",
        FieldType.DATE,
        CONTACT_WITH_US,
        _last_activity,
        Entity.CONTACT,
        params=(KIND,),
    ),
    Field(
        "open_tickets",
        "Open tickets",
        FieldType.NUMBER,
        CONTACT_WITH_US,
        _open_tickets,
        Entity.CONTACT,
        params=TICKET_PARAMS,
        default="0",
    ),
    Field(
        "survey_score",
        "Latest survey score",
        FieldType.NUMBER,
        CONTACT_WITH_US,
        _survey_score,
        Entity.CONTACT,
        params=(SURVEY,),
        has_since=True,
    ),
)
