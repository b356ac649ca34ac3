"""What can be asked about an account, apart from its attributes and what upper apps register."""

from django.conf import settings

from accounts.conditions.catalogue import Field, FieldType, Param, Params, Source, register_field
from accounts.conditions.moment import Moment, Sql
from accounts.enums import ActivityKind, ContactRole, Initiative, Priority, SentimentLevel, Stage, SurveyKind, Tier
from accounts.models import Product
from accounts.models.times import MEMBER, MEMBER_NOW, VISIBLE, VISIBLE_LIVE
from team.models import Team, User

ACCOUNT, SUBSCRIPTION, CONTACT_WITH_US = "Account", "Subscriptions", "Contact and support"

# The newest value of a built-in attribute of each account.
_DATED = """
    SELECT DISTINCT ON (v.account_id) v.account_id AS id, {cast} AS value, v.occurred_at AS since
    FROM accounts_attributevalue AS v
    WHERE v.account_id IS NOT NULL AND {visible} AND v.definition_id =
        (SELECT d.id FROM accounts_attributedefinition AS d WHERE d.entity = 'account' AND d.key = '{key}')
    ORDER BY v.account_id, v.occurred_at DESC, v.id DESC
"""
# The terms of every subscription that had started.
_TERMS = f"""
    SELECT DISTINCT ON (s.account_id, c.subscription_id)
        s.account_id, s.product_id, c.plan, c.mrr, c.currency, c.seats, c.renews_on, c.notice_on, c.ended_on
    FROM accounts_subscriptionchange AS c JOIN accounts_subscription AS s ON s.id = c.subscription_id
    WHERE {VISIBLE.format(t="c")} AND s.started_on <= %(today)s::date
        AND (s.deleted_at IS NULL OR s.deleted_at > %(recorded_by)s)
    ORDER BY s.account_id, c.subscription_id, c.occurred_at DESC, c.id DESC
"""  # noqa: S608 -- constants
_TERMS_NOW = """
    SELECT account_id, product_id, plan, mrr, currency, seats, renews_on, notice_on, ended_on
    FROM accounts_subscription WHERE deleted_at IS NULL AND started_on <= %(today)s::date
"""
_RUNNING = "(t.ended_on IS NULL OR t.ended_on > %(today)s::date)"
_RATE = (
    "(SELECT r.rate FROM accounts_exchangerate AS r"
    ' WHERE r.currency = t.currency AND r."on" <= %(today)s::date AND r.received_at <= %(recorded_by)s'
    ' ORDER BY r."on" DESC, r.received_at DESC LIMIT 1)'
)
_ARR = (
    f"CASE WHEN count(*) FILTER (WHERE {_RUNNING}) = 0 THEN 0"
    f" WHEN bool_or(t.amount IS NULL) FILTER (WHERE {_RUNNING}) THEN NULL"
    f" ELSE 12 * sum(t.amount) FILTER (WHERE {_RUNNING}) END"
)
_STATE = (
    f"CASE WHEN bool_or({_RUNNING} AND t.ended_on IS NULL) THEN 'active'"
    f" WHEN bool_or({_RUNNING}) THEN 'ending' ELSE 'ended' END"
)


def _dated(key: str, cast: str = "v.value #>> '{}'") -> Source:
    text = _DATED.format(cast=cast, visible=VISIBLE.format(t="v"), key=key)
    return lambda _params, _moment: Sql(text)


def _own(expression: str) -> Source:
    """Return the source for a column that has no history."""
    text = f"SELECT row.id, {expression.replace('{row}', 'row')} AS value FROM accounts_account AS row"  # noqa: S608
    return lambda _params, _moment: Sql(text)


def _over_terms(aggregate: str, terms: str = _TERMS) -> Source:
    text = f"SELECT t.account_id AS id, {aggregate} AS value FROM ({terms}) AS t GROUP BY t.account_id"  # noqa: S608
    return lambda _params, _moment: Sql(text)


def _arr(_params: Params, _moment: Moment) -> Sql:
    priced = (
        "SELECT t.account_id, t.ended_on, CASE WHEN t.currency = %(reporting)s THEN t.mrr"  # noqa: S608 -- constants
        f" ELSE round(t.mrr * {_RATE}, 2) END AS amount FROM ({_TERMS}) AS t"
    )
    return Sql(
        f"SELECT t.account_id AS id, {_ARR} AS value FROM ({priced}) AS t GROUP BY t.account_id",  # noqa: S608
        {"reporting": settings.REPORTING_CURRENCY},
    )


def _contact_count(params: Params, _moment: Moment) -> Sql:
    role = " AND m.role = %(role)s" if params["role"] else ""
    return Sql(
        "SELECT m.account_id AS id, count(DISTINCT m.contact_id) AS value"  # noqa: S608 -- constants
        " FROM accounts_membership AS m JOIN accounts_contact AS person ON person.id = m.contact_id"
        f" WHERE {MEMBER.format(t='m')}"
        f" AND (person.deleted_at IS NULL OR person.deleted_at > %(recorded_by)s){role} GROUP BY m.account_id",
        {"role": params["role"]} if role else {},
    )


def _contact_count_now(params: Params, _moment: Moment) -> Sql:
    role = " AND m.role = %(role)s" if params["role"] else ""
    return Sql(
        "SELECT m.account_id AS id, count(*) AS value FROM accounts_membership AS m"  # noqa: S608 -- constants
        f" WHERE {MEMBER_NOW.format(t='m')}{role} GROUP BY m.account_id",
        {"role": params["role"]} if role else {},
    )


def _last_activity(params: Params, _moment: Moment) -> Sql:
    given = {name: params[name] for name in ("kind", "initiative") if params[name]}
    narrowed = "".join(f" AND x.{name} = %({name})s" for name in given)
    return Sql(
        "SELECT x.account_id AS id, (max(x.occurred_at) AT TIME ZONE 'UTC')::date AS value"  # noqa: S608 -- constants
        f" FROM accounts_activity AS x WHERE {VISIBLE_LIVE.format(t='x')}{narrowed} GROUP BY x.account_id",
        given,
    )


def _last_activity_now(params: Params, moment: Moment) -> Sql:
    """Return what the trigger keeps; only an activity dated into the future makes it look further."""
    if params["kind"] or params["initiative"]:
        return _last_activity(params, moment)
    searched = (
        "SELECT max(x.occurred_at) FROM accounts_activity AS x"  # noqa: S608 -- constants
        f" WHERE x.account_id = l.account_id AND {VISIBLE_LIVE.format(t='x')}"
    )
    return Sql(
        "SELECT l.account_id AS id, (CASE WHEN l.occurred_at < %(as_of)s THEN l.occurred_at"  # noqa: S608 -- constants
        f" ELSE ({searched}) END AT TIME ZONE 'UTC')::date AS value FROM accounts_lastactivity AS l"
    )


def _open_tickets(params: Params, _moment: Moment) -> Sql:
    narrowed = open_ticket_filter(params)
    return Sql(
        "SELECT s.account_id AS id, count(*) AS value FROM ("  # noqa: S608 -- constants
        "SELECT DISTINCT ON (t.account_id, c.ticket_id) t.account_id, c.status, c.priority, c.is_escalated"
        " FROM accounts_ticketchange AS c JOIN accounts_ticket AS t ON t.id = c.ticket_id"
        f" WHERE {VISIBLE.format(t='c')} AND (t.deleted_at IS NULL OR t.deleted_at > %(recorded_by)s)"
        " ORDER BY t.account_id, c.ticket_id, c.occurred_at DESC, c.id DESC) AS s"
        f" WHERE {narrowed} GROUP BY s.account_id",
        {"priority": params["priority"]} if params["priority"] else {},
    )


def _open_tickets_now(params: Params, _moment: Moment) -> Sql:
    return Sql(
        "SELECT s.account_id AS id, count(*) AS value FROM accounts_ticket AS s"  # noqa: S608 -- constants
        f" WHERE s.deleted_at IS NULL AND {open_ticket_filter(params)} GROUP BY s.account_id",
        {"priority": params["priority"]} if params["priority"] else {},
    )


def open_ticket_filter(params: Params) -> str:
    priority = " AND s.priority = %(priority)s" if params["priority"] else ""
    escalated = " AND s.is_escalated" if params["escalated"] else ""
    return f"s.status IN ('open', 'waiting'){priority}{escalated}"


def _survey_score(params: Params, _moment: Moment) -> Sql:
    return Sql(
        "SELECT DISTINCT ON (r.account_id) r.account_id AS id, r.score AS value, r.occurred_at AS since"  # noqa: S608
        f" FROM accounts_surveyresponse AS r WHERE {VISIBLE_LIVE.format(t='r')} AND r.kind = %(kind)s"
        " ORDER BY r.account_id, r.occurred_at DESC, r.id DESC",
        {"kind": params["kind"]},
    )


_SENTIMENT = (
    "SELECT DISTINCT ON (s.account_id) s.account_id AS id, s.level::text AS value, s.occurred_at AS since"  # noqa: S608
    f" FROM accounts_sentiment AS s WHERE {VISIBLE.format(t='s')}"
    " ORDER BY s.account_id, s.occurred_at DESC, s.id DESC"
)


def users() -> list[tuple[str, str]]:
    return [(str(user.pk), str(user)) for user in User.objects.filter(is_active=True)]


def teams() -> list[tuple[str, str]]:
    return [(str(team.pk), team.name) for team in Team.objects.all()]


def products() -> list[tuple[str, str]]:
    return [(str(product.pk), product.name) for product in Product.objects.all()]


KIND = Param("kind", "Kind", choices=lambda: list(ActivityKind.choices))
SURVEY = Param("kind", "Survey", default=SurveyKind.NPS.value, choices=lambda: list(SurveyKind.choices))
TICKET_PARAMS = (
    Param("priority", "Priority", choices=lambda: list(Priority.choices)),
    Param("escalated", "Escalated only", choices=lambda: [("yes", "Escalated only")]),
)

register_field(
    Field("name", "Name", FieldType.TEXT, ACCOUNT, _own("{row}.name"), column="{row}.name"),
    Field(
        "domain",
        "Domain",
        FieldType.TEXT,
        ACCOUNT,
        _own("NULLIF({row}.domain, '')"),
        column="NULLIF({row}.domain, '')",
    ),
    Field(
        "parent",
        "Parent account",
        FieldType.TEXT,
        ACCOUNT,
        lambda _params, _moment: Sql(
            "SELECT child.id, parent.name AS value FROM accounts_account AS child"
            " JOIN accounts_account AS parent ON parent.id = child.parent_id"
        ),
    ),
    Field(
        "stage",
        "Lifecycle stage",
        FieldType.CHOICE,
        ACCOUNT,
        _dated("stage"),
        choices=lambda: list(Stage.choices),
        column="NULLIF({row}.stage, '')",
        has_since=True,
    ),
    Field(
        "tier",
        "Tier",
        FieldType.CHOICE,
        ACCOUNT,
        _dated("tier"),
        choices=lambda: list(Tier.choices),
        column="NULLIF({row}.tier, '')",
        has_since=True,
    ),
    Field(
        "csm",
        "CSM",
        FieldType.REFERENCE,
        ACCOUNT,
        _dated("csm", "(v.value #>> '{}')::bigint"),
        choices=users,
        column="{row}.csm_id",
        has_since=True,
    ),
    Field(
        "team",
        "Team",
        FieldType.REFERENCE,
        ACCOUNT,
        _dated("team", "(v.value #>> '{}')::bigint"),
        choices=teams,
        column="{row}.team_id",
        has_since=True,
    ),
    Field(
        "customer_since",
        "Customer since",
        FieldType.DATE,
        ACCOUNT,
        _own("{row}.customer_since"),
        column="{row}.customer_since",
    ),
    Field(
        "tenure",
        "Time as a customer",
        FieldType.NUMBER,
        ACCOUNT,
        _own("%(today)s::date - {row}.customer_since"),
        unit="days",
        column="(%(today)s::date - {row}.customer_since)",
    ),
    Field("segment", "Segment", FieldType.SEGMENT, ACCOUNT),
    Field("arr", "ARR", FieldType.NUMBER, SUBSCRIPTION, _arr, unit="money", column="{row}.arr"),
    Field(
        "renews_on",
        "Renewal",
        FieldType.DATE,
        SUBSCRIPTION,
        _over_terms(f"min(t.renews_on) FILTER (WHERE {_RUNNING})"),
        column="{row}.renews_on",
    ),
    Field(
        "days_to_renewal",
        "Days to renewal",
        FieldType.NUMBER,
        SUBSCRIPTION,
        _over_terms(f"min(t.renews_on) FILTER (WHERE {_RUNNING}) - %(today)s::date"),
        unit="days",
        column="({row}.renews_on - %(today)s::date)",
    ),
    Field(
        "notice_on",
        "Notice deadline",
        FieldType.DATE,
        SUBSCRIPTION,
        _over_terms(f"min(t.notice_on) FILTER (WHERE {_RUNNING})"),
        live_source=_over_terms(f"min(t.notice_on) FILTER (WHERE {_RUNNING})", _TERMS_NOW),
    ),
    Field(
        "subscription_state",
        "Subscription",
        FieldType.CHOICE,
        SUBSCRIPTION,
        _over_terms(_STATE),
        choices=lambda: [("active", "Active"), ("ending", "Ending"), ("ended", "Ended")],
        live_source=_over_terms(_STATE, _TERMS_NOW),
    ),
    Field(
        "product",
        "Product owned",
        FieldType.SET,
        SUBSCRIPTION,
        _over_terms(f"array_agg(DISTINCT t.product_id::text) FILTER (WHERE {_RUNNING} AND t.product_id IS NOT NULL)"),
        choices=products,
        live_source=_over_terms(
            f"array_agg(DISTINCT t.product_id::text) FILTER (WHERE {_RUNNING} AND t.product_id IS NOT NULL)",
            _TERMS_NOW,
        ),
    ),
    Field(
        "seats",
        "Seats",
        FieldType.NUMBER,
        SUBSCRIPTION,
        _over_terms(f"sum(t.seats) FILTER (WHERE {_RUNNING})"),
        live_source=_over_terms(f"sum(t.seats) FILTER (WHERE {_RUNNING})", _TERMS_NOW),
    ),
    Field(
        "contact_count",
        "Number of contacts",
        FieldType.NUMBER,
        CONTACT_WITH_US,
        _contact_count,
        params=(Param("role", "Role", choices=lambda: list(ContactRole.choices)),),
        default="0",
        live_source=_contact_count_now,
    ),
    Field(
        "last_activity",
        "Last activity",
        FieldType.DATE,
        CONTACT_WITH_US,
        _last_activity,
        params=(KIND, Param("initiative", "Who acted first", choices=lambda: list(Initiative.choices))),
        live_source=_last_activity_now,
    ),
    Field(
        "open_tickets",
        "Open tickets",
        FieldType.NUMBER,
        CONTACT_WITH_US,
        _open_tickets,
        params=TICKET_PARAMS,
        default="0",
        live_source=_open_tickets_now,
    ),
    Field(
        "survey_score",
        "Latest survey score",
        FieldType.NUMBER,
        CONTACT_WITH_US,
        _survey_score,
        params=(SURVEY,),
        has_since=True,
    ),
    Field(
        "sentiment",
        "CSM sentiment",
        FieldType.CHOICE,
        CONTACT_WITH_US,
        lambda _params, _moment: Sql(_SENTIMENT),
        choices=lambda: [(str(level), label) for level, label in SentimentLevel.choices],
        has_since=True,
    ),
)
