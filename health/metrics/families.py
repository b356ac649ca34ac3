"""Importing this registers every metric of this app."""

from health.metrics import attributes, feedback, people, relationship, subscriptions, tickets, usage

__all__ = ["attributes", "feedback", "people", "relationship", "subscriptions", "tickets", "usage"]
