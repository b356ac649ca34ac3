"""rudder-sdk-python, used as its README says. Arguments: address, write key."""

import sys

from rudderstack import analytics

analytics.dataPlaneUrl, analytics.write_key = sys.argv[1:]
analytics.on_error = lambda error, items: sys.exit(f"{error} {items}")
PLACE = {"groupId": "acme"}

analytics.identify("user-1", {"name": "Ann Arp", "email": "ann@acme.example"})
analytics.group("user-1", "acme", {"name": "Acme", "plan": "pro"})
for number in range(120):
    analytics.track("user-1", "Report viewed", {"number": number, "value": 1}, context=PLACE)
analytics.page("user-1", None, "Pricing", {"url": "https://app.example/pricing"}, context=PLACE)
analytics.shutdown()
