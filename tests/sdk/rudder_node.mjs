// @rudderstack/rudder-sdk-node, used as its README says. Arguments: address, write key.
import RudderAnalytics from "@rudderstack/rudder-sdk-node";

const [dataPlaneUrl, writeKey] = process.argv.slice(2);
const analytics = new RudderAnalytics(writeKey, { dataPlaneUrl, logLevel: "error" });
const userId = "user-1";
const context = { groupId: "acme" };

analytics.identify({ userId, traits: { name: "Ann Arp", email: "ann@acme.example" } });
analytics.group({ userId, groupId: "acme", traits: { name: "Acme", plan: "pro" } });
for (let number = 0; number < 120; number += 1)
  analytics.track({ userId, event: "Report viewed", properties: { number, value: 1 }, context });
analytics.page({ userId, name: "Pricing", context });
// A flush sends at most one batch.
for (let round = 0; round < 12; round += 1) await analytics.flush();
