// @segment/analytics-node, used as its README says. Arguments: address, write key.
import { Analytics } from "@segment/analytics-node";

const [host, writeKey] = process.argv.slice(2);
const analytics = new Analytics({ writeKey, host });
analytics.on("error", (error) => { console.error(error); process.exitCode = 1; });
const userId = "user-1";
const context = { groupId: "acme" };

analytics.identify({ userId, traits: { name: "Ann Arp", email: "ann@acme.example" } });
analytics.group({ userId, groupId: "acme", traits: { name: "Acme", plan: "pro" } });
for (let number = 0; number < 120; number += 1)
  analytics.track({ userId, event: "Report viewed", properties: { number, value: 1 }, context });
analytics.page({ userId, name: "Pricing", context });
await analytics.closeAndFlush();
