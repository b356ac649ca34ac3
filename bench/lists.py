"""How quickly the accounts list answers, on a generated book of accounts.

`fill_book` writes the book by plain SQL; `measure_lists` gives the server time of the list in its usual forms.
"""

from django.db import connection

TICKETS_PER_ACCOUNT = 6
ACTIVITIES_PER_ACCOUNT = 10

# Spread by multiplication with odd constants, so that values neither repeat by turns nor need random().
_BOOK = [
    """
    INSERT INTO team_user (email, name, password, access_level, function, time_zone, is_active, created_at)
    SELECT 'bench' || n || '@example.com', 'Bench CSM ' || n, '!', 'contributor', 'csm', 'UTC', true, now()
    FROM generate_series(1, 40) AS n ON CONFLICT DO NOTHING
    """,
    """
    INSERT INTO accounts_account (name, domain, customer_since, attributes, stage, tier, csm_id, arr, renews_on,
        created_at, updated_at, row_version, change_xid, change_seq)
    SELECT initcap(substr(md5(n::text), 1, 4 + n %% 5)) || ' ' || (ARRAY['Logistics','Energy','Clinics','Analytics',
            'Furniture','Learning','Bank','Travel','Robotics','Foods'])[1 + n * 7 %% 10] || ' ' || n,
        'c' || n || '.example', current_date - (n * 31 %% 1500)::int,
        jsonb_build_object('plan', (ARRAY['Pro','Team','Basic'])[1 + n %% 3], 'employees', n * 13 %% 5000),
        (ARRAY['onboarding','adoption','mature','renewal','churned'])[1 + n * 3 %% 5],
        (ARRAY['enterprise','growth','starter'])[1 + n * 11 %% 3],
        (SELECT min(id) FROM team_user WHERE email LIKE 'bench%%') + n * 17 %% 40,
        CASE WHEN n %% 50 > 0 THEN (n::bigint * 7919 %% 500000)::numeric END, current_date + (n * 29 %% 400)::int,
        now(), now(), 1, 0, 0
    FROM generate_series(1, %(accounts)s) AS n
    """,
    """
    INSERT INTO accounts_activity (account_id, kind, function, initiative, subject, body, source, occurred_at,
        received_at, known_at, created_at, updated_at, row_version, change_xid, change_seq)
    SELECT a.id, (ARRAY['call','mail','meeting','note'])[1 + (a.id + k) %% 4], 'csm',
        (ARRAY['proactive','reactive',''])[1 + (a.id * 3 + k) %% 3], 'About ' || k, '', '', at, at, at,
        at, at, 1, 0, 0
    FROM accounts_account AS a, generate_series(1, %(activities)s) AS k,
        LATERAL (SELECT now() - interval '1 hour' * (1 + (a.id * 37 + k * 997) %% 9000) AS at) AS t
    """,
    """
    INSERT INTO accounts_ticket (account_id, subject, source, url, status, priority, is_escalated, occurred_at,
        received_at, known_at, created_at, updated_at, row_version, change_xid, change_seq)
    SELECT a.id, 'Ticket ' || k, '', '', CASE WHEN (a.id * 7 + k) %% 10 < 2 THEN 'open' ELSE 'solved' END,
        (ARRAY['low','normal','high','urgent'])[1 + (a.id + k) %% 4], (a.id + k) %% 20 = 0, at, at, at, at, at, 1, 0, 0
    FROM accounts_account AS a, generate_series(1, %(tickets)s) AS k,
        LATERAL (SELECT now() - interval '1 hour' * (1 + (a.id * 41 + k * 1009) %% 9000) AS at) AS t
    """,
    """
    INSERT INTO accounts_contact (name, email, title, phone, time_zone, attributes,
        created_at, updated_at, row_version, change_xid, change_seq)
    SELECT 'Person ' || n, 'p' || n || '@c' || n || '.example',
        (ARRAY['CEO','VP Operations','Engineer','Analyst'])[1 + n %% 4], '', '', '{}', now(), now(), 1, 0, 0
    FROM generate_series(1, %(accounts)s * 2) AS n
    """,
    """
    INSERT INTO accounts_membership (contact_id, account_id, role, occurred_at, received_at, known_at)
    SELECT c.id, a.id, (ARRAY['champion','admin','end_user'])[1 + c.n %% 3], at, at, at
    FROM (SELECT id, row_number() OVER (ORDER BY id) AS n FROM accounts_contact) AS c
    JOIN (SELECT id, row_number() OVER (ORDER BY id) AS n FROM accounts_account) AS a ON a.n = (c.n + 1) / 2,
        LATERAL (SELECT now() - interval '300 days' AS at) AS t
    """,
]
_TABLES = ["team_user", "accounts_account", "accounts_activity", "accounts_ticket", "accounts_contact",
           "accounts_membership"]  # fmt: skip


def fill_book(*, accounts: int) -> None:
    """Add a generated book by plain SQL and gather statistics. Meant for an empty database."""
    params = {"accounts": accounts, "tickets": TICKETS_PER_ACCOUNT, "activities": ACTIVITIES_PER_ACCOUNT}
    with connection.cursor() as cursor:
        for statement in _BOOK:
            cursor.execute(statement, params)
        for table in _TABLES:
            cursor.execute(f"VACUUM ANALYZE {table}")
