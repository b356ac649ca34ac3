"""Orders of a wholesaler for tests of backtests: made up, and judged on a path of their own.

The second path reads the CSV with pandas and works out measures, score and churn from its lines, with
nothing of the product but the numbers in the scorecard's file.
"""

from pathlib import Path

import numpy as np
import pandas as pd
import yaml

CARD_FILE = Path(__file__).resolve().parents[2] / "docs/examples/wholesaler.yaml"
ACTIVE_DAYS, HORIZON_DAYS = 180, 90


def write_orders(path, customers=160, seed=5):
    """Write a year of order lines in the columns of the real file; some customers order often, some stop early."""
    chance = np.random.default_rng(seed)
    lines, invoice = [], 500_000
    for customer in range(customers):
        gap = chance.uniform(15, 120)
        day, last = chance.uniform(0, 120), chance.uniform(60, 800)
        while day < min(last, 370):
            invoice += 1
            kind = "C" if chance.uniform() < 0.12 else ""
            moment = pd.Timestamp("2010-12-01") + pd.Timedelta(days=int(day), minutes=int(chance.integers(480, 1080)))
            for _ in range(chance.integers(1, 4)):
                quantity = int(chance.integers(1, 40)) * (-1 if kind else 1)
                price = round(chance.uniform(1, 12), 2)
                lines.append((f"{kind}{invoice}", "A1", "Thing", quantity, moment, price, f"{10_000 + customer}.0"))
            day += chance.exponential(gap) + 0.5
    columns = ["InvoiceNo", "StockCode", "Description", "Quantity", "InvoiceDate", "UnitPrice", "CustomerID"]
    frame = pd.DataFrame(lines, columns=columns).sort_values("InvoiceDate")
    frame.assign(Country="France").to_csv(path, index=False, date_format="%Y-%m-%d %H:%M:%S")
    return path


def read_invoices(path):
    """Return one row per invoice: customer, UTC moment and day, value, whether it is a return."""
    lines = pd.read_csv(path, dtype=str, encoding="latin-1", usecols=lambda name: name != "Description")
    lines = lines[lines["CustomerID"].notna()]
    lines["value"] = lines["Quantity"].astype(float) * lines["UnitPrice"].astype(float)
    lines["moment"] = pd.to_datetime(lines["InvoiceDate"])
    invoices = lines.groupby("InvoiceNo", sort=False).agg(
        customer=("CustomerID", "first"), moment=("moment", "min"), value=("value", "sum")
    )
    local = invoices["moment"].dt.tz_localize("Europe/London")
    invoices["moment"] = local.dt.tz_convert("UTC").dt.tz_localize(None)
    invoices["day"] = invoices["moment"].dt.floor("D")
    invoices["is_return"] = invoices.index.str.startswith("C")
    return invoices


def judged_customers(invoices, as_of):
    """Return a row per customer with an order in ACTIVE_DAYS: churned, the measures, the count of orders."""
    at, placed = pd.Timestamp(as_of), invoices[~invoices["is_return"]]
    past = placed[placed["day"] < at]

    def window(rows, newest, oldest):
        back = (at - rows["day"]).dt.days
        return rows[(back >= newest) & (back <= oldest)].groupby("customer")

    frame = pd.DataFrame(index=window(past, 1, ACTIVE_DAYS).size().index)
    ahead = placed[(placed["day"] >= at) & (placed["day"] < at + pd.Timedelta(days=HORIZON_DAYS))]
    frame["churned"] = ~frame.index.isin(ahead["customer"])
    frame["orders"] = window(past, 1, 400).size()
    frame["recent_orders"] = window(past, 1, 90).size()
    frame["order_value"] = window(past, 1, 400)["value"].sum()
    frame["order_days"] = window(past, 1, 180)["day"].nunique()
    before = invoices[invoices["day"] < at]
    frame["dealings"] = window(before, 1, 400)["is_return"].nunique()
    frame = frame.fillna(0)
    frame["last_order"] = (at - past.groupby("customer")["day"].max()).dt.days - 1
    frame["tenure"] = (at - before.groupby("customer")["moment"].min()).dt.days
    earlier = window(past, 91, 180).size().reindex(frame.index).fillna(0)
    frame["trend"] = (100 * (frame["recent_orders"] - earlier) / earlier.where(earlier >= 2)).round(9)
    return frame


def points_of(frame):
    """Return the points of every measure, by the curves of the scorecard's file."""
    return pd.DataFrame(
        {
            measure["key"]: np.interp(frame[measure["key"]], *zip(*measure["curve"], strict=True)).round(2)
            for group in _card()["children"]
            for measure in group["children"]
        },
        index=frame.index,
    ).where(frame[_keys()].notna())


def scores_of(frame):
    """Return the score of every customer; what is unknown gives its weight to the others of its group."""
    points, card = points_of(frame), _card()
    total = 0
    for group in card["children"]:
        keys, weights = zip(*((each["key"], each["weight"]) for each in group["children"]), strict=True)
        known = points[list(keys)].notna() * np.array(weights)
        total += group["weight"] * (points[list(keys)].fillna(0) * known).sum(axis=1) / known.sum(axis=1)
    return (total / sum(group["weight"] for group in card["children"])).round(2)


def _keys():
    return [each["key"] for group in _card()["children"] for each in group["children"]]


def _card():
    return yaml.safe_load(CARD_FILE.read_text())
