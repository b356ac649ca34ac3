"""Every write about customers: one function, one transaction, one event where someone will ask."""

from accounts.services.accounts import (
    create_account,
    delete_account,
    update_account,
    upsert_account,
)
from accounts.services.attributes import define_attribute, delete_attribute, set_attributes, update_attribute
from accounts.services.columns import choose_columns
from accounts.services.contacts import (
    create_contact,
    delete_contact,
    join_account,
    leave_account,
    pin_persona,
    set_memberships,
    update_contact,
    upsert_contact,
)
from accounts.services.external_ids import find_by_external_id, give_external_id
from accounts.services.facts import (
    delete_activity,
    delete_survey_response,
    edit_activity,
    edit_survey_response,
    record_activity,
    record_sentiment,
    record_survey_response,
)
from accounts.services.merging import merge_accounts, merge_contacts
from accounts.services.personas import create_persona
from accounts.services.products import ensure_product
from accounts.services.segments import create_segment, delete_segment, update_segment
from accounts.services.selection import change_selected
from accounts.services.subscriptions import (
    delete_subscription,
    set_exchange_rate,
    upsert_subscription,
)
from accounts.services.team import assign_team_member, end_team_membership
from accounts.services.tickets import delete_ticket, upsert_ticket

__all__ = [
    "assign_team_member",
    "change_selected",
    "choose_columns",
    "create_account",
    "create_contact",
    "create_persona",
    "create_segment",
    "define_attribute",
    "delete_account",
    "delete_activity",
    "delete_attribute",
    "delete_contact",
    "delete_segment",
    "delete_subscription",
    "delete_survey_response",
    "delete_ticket",
    "edit_activity",
    "edit_survey_response",
    "end_team_membership",
    "ensure_product",
    "find_by_external_id",
    "give_external_id",
    "join_account",
    "leave_account",
    "merge_accounts",
    "merge_contacts",
    "pin_persona",
    "record_activity",
    "record_sentiment",
    "record_survey_response",
    "set_attributes",
    "set_exchange_rate",
    "set_memberships",
    "update_account",
    "update_attribute",
    "update_contact",
    "update_segment",
    "upsert_account",
    "upsert_contact",
    "upsert_subscription",
    "upsert_ticket",
]
