"""What to paste into a product so that its SDK sends events here. Pure."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Snippet:
    key: str
    label: str
    text: str


def snippets(*, url: str, write_key: str) -> list[Snippet]:
    """Return the set-up of every SDK for an address without a slash at the end."""
    return [Snippet(key, label, text.strip().format(url=url, key=write_key)) for key, label, text in _SNIPPETS]


_SNIPPETS = [
    (
        "python",
        "Python (Segment)",
        """
# pip install segment-analytics-python
import segment.analytics as analytics

analytics.write_key = "{key}"
analytics.host = "{url}"

analytics.identify("user-17", {{"name": "Ann Arp", "email": "ann@acme.example"}})
analytics.group("user-17", "acme", {{"name": "Acme", "plan": "pro"}})
analytics.track("user-17", "Report viewed", {{"report": "retention"}}, context={{"groupId": "acme"}})
""",
    ),
    (
        "node",
        "Node (Segment)",
        """
// npm install @segment/analytics-node
import {{ Analytics }} from "@segment/analytics-node";

const analytics = new Analytics({{ writeKey: "{key}", host: "{url}" }});

analytics.identify({{ userId: "user-17", traits: {{ name: "Ann Arp", email: "ann@acme.example" }} }});
analytics.group({{ userId: "user-17", groupId: "acme", traits: {{ name: "Acme", plan: "pro" }} }});
analytics.track({{ userId: "user-17", event: "Report viewed", context: {{ groupId: "acme" }} }});
""",
    ),
    (
        "browser",
        "Browser (Segment)",
        """
// npm install @segment/analytics-next
import {{ AnalyticsBrowser }} from "@segment/analytics-next";

const analytics = AnalyticsBrowser.load({{ writeKey: "{key}", cdnURL: "{url}" }});

analytics.identify("user-17", {{ name: "Ann Arp", email: "ann@acme.example" }});
analytics.group("acme", {{ name: "Acme", plan: "pro" }});
analytics.track("Report viewed", {{ report: "retention" }});
""",
    ),
    (
        "rudder-python",
        "Python (RudderStack)",
        """
# pip install rudder-sdk-python
import rudderstack.analytics as analytics

analytics.write_key = "{key}"
analytics.dataPlaneUrl = "{url}"

analytics.group("user-17", "acme", {{"name": "Acme", "plan": "pro"}})
analytics.track("user-17", "Report viewed", {{"report": "retention"}}, context={{"groupId": "acme"}})
""",
    ),
    (
        "rudder-node",
        "Node (RudderStack)",
        """
// npm install @rudderstack/rudder-sdk-node
import RudderAnalytics from "@rudderstack/rudder-sdk-node";

const analytics = new RudderAnalytics("{key}", {{ dataPlaneUrl: "{url}" }});

analytics.group({{ userId: "user-17", groupId: "acme", traits: {{ name: "Acme", plan: "pro" }} }});
analytics.track({{ userId: "user-17", event: "Report viewed", context: {{ groupId: "acme" }} }});
""",
    ),
    (
        "posthog",
        "Python (PostHog)",
        """
# pip install posthog
from posthog import Posthog

posthog = Posthog("{key}", host="{url}")

posthog.group_identify("company", "acme", {{"name": "Acme", "plan": "pro"}})
posthog.capture("report viewed", distinct_id="user-17", groups={{"company": "acme"}})
""",
    ),
    (
        "curl",
        "HTTP",
        """
curl {url}/v1/batch -u '{key}:' -H 'Content-Type: application/json' -d '{{"batch": [
  {{"type": "group", "userId": "user-17", "groupId": "acme", "traits": {{"name": "Acme"}}, "messageId": "1"}},
  {{"type": "track", "userId": "user-17", "event": "Report viewed", "context": {{"groupId": "acme"}}, "messageId": "2"}}
]}}'
""",
    ),
]
