"""What an API key may do."""

SCOPES = {
    "accounts:read": "Read accounts",
    "accounts:write": "Create, change and delete accounts",
    "contacts:read": "Read contacts",
    "contacts:write": "Create, change and delete contacts",
    "subscriptions:read": "Read subscriptions",
    "subscriptions:write": "Create, change and delete subscriptions",
    "activities:read": "Read activities",
    "activities:write": "Create, change and delete activities",
    "tickets:read": "Read tickets",
    "tickets:write": "Create, change and delete tickets",
    "surveys:read": "Read survey responses",
    "surveys:write": "Create, change and delete survey responses",
    "scores:read": "Read health scores and receipts",
    "scores:write": "Set and end scores by hand",
    "alerts:read": "Read alerts and alert rules",
    "alerts:write": "Acknowledge, close, snooze, mute and judge alerts",
    "users:read": "Read users and products",
    "configuration:read": "Read drafts of scorecards",
    "configuration:write": "Change, publish and roll back scorecards; write alert rules",
}
