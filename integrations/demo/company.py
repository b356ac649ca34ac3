"""The company whose book it is: its people, products, prices and personas. Plain values."""

from dataclasses import dataclass
from decimal import Decimal

from team.enums import AccessLevel, Function

PASSWORD = "demo-harbor-2026"  # noqa: S105 -- printed for everybody who loads the demo
EUROPE, AMERICAS, SCALE = "Europe", "Americas", "Scale"
TEAMS = (EUROPE, AMERICAS, SCALE)


@dataclass(frozen=True)
class Person:
    """Somebody who signs in."""

    email: str
    name: str
    access_level: str
    function: str
    teams: tuple[str, ...] = TEAMS
    time_zone: str = "Europe/Berlin"


PEOPLE = (
    Person("admin@demo.example", "Nora Lindqvist", AccessLevel.ADMIN, Function.EXECUTIVE),
    Person("csm@demo.example", "Maya Brandt", AccessLevel.CONTRIBUTOR, Function.CSM, (EUROPE,)),
    Person("leila@demo.example", "Leila Farrow", AccessLevel.EDITOR, Function.CSM, (EUROPE,), "Europe/London"),
    Person("jonah@demo.example", "Jonah Ellery", AccessLevel.CONTRIBUTOR, Function.CSM, (AMERICAS,), "America/Chicago"),
    Person("tomas@demo.example", "Tomás Ruel", AccessLevel.CONTRIBUTOR, Function.CSM, (SCALE,), "Europe/Madrid"),
    Person("support@demo.example", "Priya Anand", AccessLevel.CONTRIBUTOR, Function.SUPPORT),
    Person("onboarding@demo.example", "Ben Achter", AccessLevel.CONTRIBUTOR, Function.IMPLEMENTATION),
    Person("viewer@demo.example", "Ingrid Solberg", AccessLevel.VIEWER, Function.SALES),
)
SUPPORT, ONBOARDING, SALES = "support@demo.example", "onboarding@demo.example", "viewer@demo.example"
CSMS = {
    EUROPE: ("csm@demo.example", "leila@demo.example"),
    AMERICAS: ("jonah@demo.example",),
    SCALE: ("tomas@demo.example",),
}


@dataclass(frozen=True)
class Offer:
    """A product, what a seat costs a month by plan (USD), and its features by persona."""

    key: str
    name: str
    line: str
    source: str
    seat_price: tuple[int, int, int]
    features: dict[str, tuple[str, ...]]


LEAD, ANALYST, ADMINISTRATOR = "Operations lead", "Analyst", "IT administrator"
SCORECARD_OWNERS = {
    "health": "admin@demo.example",
    "success": "leila@demo.example",
    "happiness": "support@demo.example",
}
PERSONAS = (
    (
        LEAD,
        (
            "Trucks leave on time without a phone call: routes planned before six, exceptions solved the same day, and"
            " at least 97 % of deliveries with proof."
        ),
    ),
    (
        ANALYST,
        (
            "Cost per delivery is known every morning and trusted in the weekly meeting: own reports, forecasts within"
            " 5 %, no spreadsheets on the side."
        ),
    ),
    (
        ADMINISTRATOR,
        (
            "Everybody who needs access has it on day one and nobody else does; integrations run for weeks without a"
            " ticket."
        ),
    ),
)
PLANS = ("Essential", "Professional", "Enterprise")
OFFERS = (
    Offer(
        "dispatch",
        "Dispatch",
        "Operations",
        "Dispatch web app",
        (120, 240, 490),
        {
            LEAD: (
                "Route planned",
                "Route optimised",
                "Driver assigned",
                "Delivery tracked",
                "Exception resolved",
                "Proof of delivery checked",
                "Shift planned",
            ),
            ANALYST: ("Delivery report opened", "Delivery tracked"),
            ADMINISTRATOR: ("User invited", "Role changed", "Carrier connected", "API key rotated"),
        },
    ),
    Offer(
        "warehouse",
        "Warehouse",
        "Operations",
        "Warehouse scanner",
        (105, 210, 420),
        {
            LEAD: ("Goods received", "Pick list created", "Stock counted", "Replenishment approved", "Slot assigned"),
            ANALYST: ("Stock report opened",),
            ADMINISTRATOR: ("Scanner paired", "User invited"),
        },
    ),
    Offer(
        "insights",
        "Insights",
        "Analytics",
        "Insights web app",
        (95, 190, 380),
        {
            LEAD: ("Dashboard viewed",),
            ANALYST: ("Dashboard viewed", "Report created", "Report shared", "Forecast run", "Alert configured"),
            ADMINISTRATOR: ("Data source connected", "Dashboard viewed"),
        },
    ),
    Offer(
        "portal",
        "Supplier Portal",
        "Network",
        "Supplier portal",
        (55, 120, 240),
        {
            LEAD: ("Purchase order confirmed", "Delivery slot booked"),
            ANALYST: ("Supplier scorecard opened",),
            ADMINISTRATOR: ("Supplier invited", "Document rule changed"),
        },
    ),
)
CORE = OFFERS[0]
# What a unit of a currency was worth in US dollars, by quarter of the last two years, oldest first.
RATES_IN_USD = {
    "EUR": ("1.06", "1.08", "1.09", "1.07", "1.10", "1.12", "1.14", "1.15", "1.16"),
    "GBP": ("1.24", "1.26", "1.27", "1.26", "1.29", "1.31", "1.33", "1.33", "1.34"),
    "CHF": ("1.10", "1.12", "1.13", "1.11", "1.15", "1.18", "1.22", "1.23", "1.25"),
    "SEK": ("0.093", "0.095", "0.096", "0.094", "0.097", "0.100", "0.104", "0.105", "0.106"),
    "CAD": ("0.74", "0.73", "0.73", "0.72", "0.71", "0.72", "0.73", "0.72", "0.72"),
    "USD": ("1", "1", "1", "1", "1", "1", "1", "1", "1"),
}
# Prices abroad are set by hand, not converted to the cent.
PRICE_FACTOR = {"USD": "1", "EUR": "0.92", "GBP": "0.80", "CHF": "0.92", "SEK": "10", "CAD": "1.35"}
COUNTRIES = {
    EUROPE: (
        ("Germany", "EUR", 22, "Europe/Berlin"),
        ("United Kingdom", "GBP", 18, "Europe/London"),
        ("France", "EUR", 12, "Europe/Paris"),
        ("Netherlands", "EUR", 9, "Europe/Amsterdam"),
        ("Sweden", "SEK", 7, "Europe/Stockholm"),
        ("Switzerland", "CHF", 6, "Europe/Zurich"),
        ("Spain", "EUR", 6, "Europe/Madrid"),
        ("Poland", "EUR", 5, "Europe/Warsaw"),
    ),
    AMERICAS: (("United States", "USD", 40, "America/Chicago"), ("Canada", "CAD", 10, "America/Toronto")),
}


def rate_in(reporting_currency: str, currency: str, quarter: int) -> Decimal | None:
    """Return what a unit of a currency is worth in the reporting currency; None when we have no rate for that."""
    if reporting_currency not in RATES_IN_USD:
        return None
    rate = Decimal(RATES_IN_USD[currency][quarter]) / Decimal(RATES_IN_USD[reporting_currency][quarter])
    return rate.quantize(Decimal("0.000001"))
