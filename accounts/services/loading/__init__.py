"""Many new rows at once, for events, imports and batches: what the single services write, in a few statements.

Each function takes rows of one kind and returns, in their order, the row written, or InvalidInput
for one that cannot be taken, or None for one that is not new: its external id (a contact's e-mail
address too) is known already, and the single service is the way to change it. Accounts can be changed many at once too.
"""

from accounts.services.loading.changes import ChangedAccount, change_accounts
from accounts.services.loading.contacts import NewContact, create_contacts
from accounts.services.loading.customers import NewAccount, create_accounts
from accounts.services.loading.facts import (
    NewActivity,
    NewResponse,
    NewSentiment,
    record_activities,
    record_sentiments,
    record_survey_responses,
)
from accounts.services.loading.memberships import Joining, join_accounts
from accounts.services.loading.subscriptions import NewSubscription, create_subscriptions
from accounts.services.loading.tickets import NewTicket, open_tickets

__all__ = [
    "ChangedAccount",
    "Joining",
    "NewAccount",
    "NewActivity",
    "NewContact",
    "NewResponse",
    "NewSentiment",
    "NewSubscription",
    "NewTicket",
    "change_accounts",
    "create_accounts",
    "create_contacts",
    "create_subscriptions",
    "join_accounts",
    "open_tickets",
    "record_activities",
    "record_sentiments",
    "record_survey_responses",
]
