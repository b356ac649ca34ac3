"""What was said: subjects and bodies with places for {product}, {feature}, {who}, {number}, {month}."""

TICKETS = {
    "dispatch": (
        "Route optimiser ignores the low bridge on our northern tour",
        "Driver app shows yesterday's stops after the night shift",
        "Proof of delivery photos arrive without a time stamp",
        "Planned routes disappear when two planners save at once",
        "ETA mails go out twice to the same consignee",
        "How do we block a driver for the holiday week?",
        "Vehicle capacity is rounded down for half pallets",
        "Map tiles stay grey behind our proxy",
    ),
    "warehouse": (
        "Scanner loses the pick list when it changes access point",
        "Replenishment suggests slots that are closed for counting",
        "Stock count shows negative quantities for split batches",
        "Label printer skips every third label",
        "Can we import slots from a spreadsheet?",
    ),
    "insights": (
        "Cost per delivery differs from the report in Dispatch",
        "Scheduled report did not arrive on the first of the month",
        "Forecast stays flat for items with few movements",
        "Dashboard takes half a minute on Monday mornings",
        "Which time zone do the daily figures use?",
    ),
    "portal": (
        "Supplier cannot upload certificates larger than 5 MB",
        "Slot confirmed by the supplier is shown as open",
        "Invitation mails end in the spam folder",
    ),
    "any": (
        "Single sign-on asks for the password again after lunch",
        "Please add three users to our account",
        "Invoice carries the old postal address",
        "API answers 429 during our nightly synchronisation",
        "Export of the last quarter stops at 10,000 rows",
    ),
}
ESCALATED = (
    "Planning stands still since this morning, forty tours are waiting",
    "Deliveries booked twice after the update, customers are calling",
    "Nobody can sign in at our second site",
    "Data of the last two days is missing in all reports",
    "Third time this month: scanners offline during the morning wave",
)
KICKOFF = (
    "Kick-off: goals and plan for {product}",
    (
        "Agreed on what success looks like for {who}: first tours planned in the system within three weeks and no"
        " parallel spreadsheet by the end of the quarter. Pilot site chosen, data import starts on Monday."
    ),
)
TRAINING = (
    (
        "Training for planners, {number} people",
        (
            "Went through planning a day, swapping drivers and closing exceptions. The team wants a cheat sheet for the"
            " night shift; sent it the same evening."
        ),
    ),
    (
        "Training: reports that answer questions",
        "{who} built a first report on cost per delivery. Open question: how to treat returns. Follow-up in two weeks.",
    ),
    (
        "Administrator training",
        "Roles, single sign-on and the carrier interface. Users will be synchronised from the directory from now on.",
    ),
)
REVIEWS = (
    (
        "Quarterly review with {who}",
        (
            "Planned tours are up {number} % on the last quarter and late departures down. Next goal: proof of delivery"
            " above 97 %. They asked for a view across sites; promised an answer from product by the end of the month."
        ),
    ),
    (
        "Business review: results and next steps",
        (
            "Showed hours saved in planning, about {number} a week. {who} wants to bring the second warehouse on board"
            " after the season. Budget talk in {month}."
        ),
    ),
    (
        "Quarterly review: where we stand against the goals",
        (
            "Two of three goals reached. Exceptions still take too long because the evening shift is not trained;"
            " agreed on two sessions."
        ),
    ),
)
CHECKINS = (
    (
        "Check-in with {who}",
        (
            "All running. “{feature}” has become part of the daily routine; they like that new colleagues find their"
            " way without help."
        ),
    ),
    (
        "How is {product} doing?",
        (
            "{who} is happy with the last release. Asked what would take them further: automatic slot booking with two"
            " large suppliers."
        ),
    ),
    ("Monthly call", "Short one. Holiday cover is arranged, no open points. Next call moved by a week."),
    (
        "Check-in on the new site",
        "The new site plans its own tours since last week. {number} users active, two still need access.",
    ),
    (
        "Call about seat use",
        "Looked at who uses {product}. {number} seats are with people who changed roles; {who} hands them on.",
    ),
)
WORRIED = (
    (
        "Check-in: fewer tours in the system",
        (
            "{who} says two planners went back to the old sheet after a reorganisation. Offered a session on site;"
            " answer expected next week."
        ),
    ),
    (
        "Call: doubts about the renewal",
        (
            "The new director compares with the system of the group. We need to show what {product} saves before"
            " {month}. {who} would support us but does not decide."
        ),
    ),
    (
        "Could not reach {who}",
        "Third try by phone, no reply to the last two mails. Asked the administrator for another contact.",
    ),
    (
        "Meeting about the incidents",
        (
            "Difficult talk. They counted {number} hours of standstill. Agreed on a direct line to support and a report"
            " every Friday until it is stable."
        ),
    ),
)
LEFT = (
    "{who} leaves the company",
    "Our champion told us they leave at the end of the month. Successor not named yet; asked for an introduction.",
)
RENEWALS = (
    (
        "Renewal talk with {who}",
        "Terms for the next year discussed: same seats, price as announced. Signature expected in time.",
    ),
    (
        "Offer for renewal sent",
        "Offer for twelve months with {number} seats sent to {who}. Procurement wants to see the usage figures first.",
    ),
)
EXPANSION = (
    "More seats for the new site",
    "{who} asked for more seats: the second site goes live. Offer accepted on the same day.",
)
CHURN = (
    "Cancellation received",
    (
        "{who} cancelled with notice. Reason given: the group decided on one system for all countries. Asked for a"
        " closing talk and offered an export of all data."
    ),
)
CUSTOMER_MAILS = (
    (
        "Question about “{feature}”",
        "{who} asked how “{feature}” counts partial deliveries. Explained with an example from their own data.",
    ),
    (
        "Wish: copy a week",
        "{who} would like to copy a planned week to the next. Passed on to product with their numbers.",
    ),
    ("Invoice question", "{who} asked why the invoice shows more seats. Sent the list of users added in {month}."),
    ("Holiday plan", "{who} asked whether routes can be frozen over the holidays. Showed the calendar rule."),
)
CHATS = (
    ("Chat: reset of a scanner", "Walked {who} through pairing the scanner again. Solved in ten minutes."),
    ("Chat: export for the auditor", "{who} needed all deliveries of a quarter. Sent the link to the export."),
    ("Chat: missing permission", "{who} could not see the second depot. Role corrected by their administrator."),
)
MARKETING = (
    (
        "Invitation: webinar on peak season planning",
        "Invited because {product} is in use at several sites. {who} registered.",
    ),
    ("Reference story", "{who} agreed to a short story about their first year with {product}."),
)
PRODUCT_TALKS = (
    (
        "Interview on slot booking",
        "Product spoke with {who} about booking slots with suppliers. Three screens tested, notes are filed.",
    ),
)
NOTES = (
    ("Organisation change", "Operations now report to the COO. {who} stays our contact for daily business."),
    ("Peak season", "Their season runs from {month}; no releases and no trainings then."),
)
NPS = {
    "high": (
        "Planning takes half the time it used to.",
        "Reliable, and support knows what a truck is.",
        "Our night shift finally works with the same data as the day.",
        "Would not want to go back to the spreadsheet.",
        "",
        "Good product, good people.",
        "The reports are what our director asks for every Monday.",
    ),
    "middle": (
        "Solid, but exports could be faster.",
        "Does what it should. The mobile app needs work.",
        "",
        "Good once you know it; training new planners takes a while.",
        "Price went up faster than the benefit.",
    ),
    "low": (
        "Too many interruptions this quarter.",
        "We wait days for answers.",
        "After the reorganisation hardly anybody here uses it.",
        "Half of the features we were sold are still to come.",
        "Scanners drop out every morning.",
    ),
}
CSAT = {
    "high": ("Quick and friendly.", "", "Solved on the first call.", "Thank you, clear explanation."),
    "middle": ("It works again, but I had to explain it twice.", "", "Took longer than promised."),
    "low": ("No progress for three days.", "Closed without a solution.", "I was passed from one person to the next."),
}
SENTIMENTS = {
    5: ("Sponsor speaks about us in their own meetings.", "Second site decided, mood is excellent."),
    4: ("Stable, open points are small.", "Good contact, uses what they bought."),
    3: ("Polite but distant since the reorganisation.", "Results are fine, the sponsor is hard to reach."),
    2: ("Unhappy about response times.", "Usage falls and nobody explains why.", "Renewal is open."),
    1: ("They talk to a competitor.", "Trust is gone after the incidents."),
}
MONTHS = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
    "December",
)  # fmt: skip
