"""Choices about the people who work here."""

from django.db.models import TextChoices


class AccessLevel(TextChoices):
    """What somebody may do, whatever their function."""

    ADMIN = "admin", "Admin"
    EDITOR = "editor", "Editor"
    CONTRIBUTOR = "contributor", "Contributor"
    VIEWER = "viewer", "Viewer"


class Function(TextChoices):
    """What somebody does for customers; also the function of an activity."""

    CSM = "csm", "Customer success"
    SUPPORT = "support", "Support"
    SERVICE = "service", "Service"
    SALES = "sales", "Sales"
    MARKETING = "marketing", "Marketing"
    PRODUCT = "product", "Product"
    IMPLEMENTATION = "implementation", "Implementation"
    EXECUTIVE = "executive", "Executive"


class WorkState(TextChoices):
    DUE = "due", "Due"
    RUNNING = "running", "Running"
    DONE = "done", "Done"
    DEAD = "dead", "Given up"
