"""posthog, used as its README says. Arguments: address, write key."""

import sys

from posthog import Posthog, identify_context, new_context

url, key = sys.argv[1:]
posthog = Posthog(key, host=url, on_error=lambda error, items: sys.exit(f"{error} {items}"))

posthog.set(distinct_id="user-1", properties={"name": "Ann Arp", "email": "ann@acme.example"})
posthog.group_identify("company", "acme", {"name": "Acme", "plan": "pro"})
for number in range(120):
    posthog.capture(
        "Report viewed", distinct_id="user-1", properties={"number": number, "value": 1}, groups={"company": "acme"}
    )
with new_context(client=posthog):
    identify_context("user-1")
    posthog.capture("$pageview", properties={"$pathname": "Pricing"}, groups={"company": "acme"})
posthog.shutdown()
