"""How the people inside an account are doing, by role: pure rules and their words.

Days are UTC days before `as_of`, which is not counted. A person is active who used the product, or
whom we spoke or wrote with, within QUIET_DAYS; else they are quiet.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

ROLE_WORDS = {
    "champion": "Champion",
    "economic_buyer": "Economic buyer",
    "admin": "Admin",
    "end_user": "End users",
    "other": "Others",
}
KEY_ROLES = ("champion", "economic_buyer", "admin", "end_user")
SENIOR_ROLES = ("champion", "economic_buyer", "admin")

QUIET_DAYS = 30
USE_DAYS = 28
# What rests on one person is judged over this time.
THREAD_DAYS = 90
MOST_USE_SHARE = 0.5
# Use fades when the days of use fell below this share of those before; fewer days before say nothing.
FADING_SHARE = 0.5
FADING_BASELINE_DAYS = 4
ACTIVE_SHARE = 0.5
UNHAPPY_NPS = 6
UNHAPPY_CSAT = 2
SUCCESSORS = 3


@dataclass(frozen=True)
class Person:
    """A member of an account and what is known about them.

    `active_days`: days of use in the last USE_DAYS, `active_days_before` in those before. `uses` and
    `touched_on` within THREAD_DAYS. `last_seen_on` last use, `last_contact_on` last call, mail, meeting
    or chat with us; None: never. `nps` 0–10 and `csat` 1–5: their newest answers; None: none lately.
    """

    contact_id: int
    name: str
    role: str
    persona: str = ""
    active_days: int = 0
    active_days_before: int = 0
    uses: int = 0
    last_seen_on: date | None = None
    last_contact_on: date | None = None
    nps: int | None = None
    csat: int | None = None

    @property
    def is_unhappy(self) -> bool:
        is_detractor = self.nps is not None and self.nps <= UNHAPPY_NPS
        return is_detractor or (self.csat is not None and self.csat <= UNHAPPY_CSAT)

    @property
    def is_senior(self) -> bool:
        return self.role in SENIOR_ROLES

    @property
    def is_fading(self) -> bool:
        before = self.active_days_before
        return before >= FADING_BASELINE_DAYS and self.active_days < FADING_SHARE * before

    @property
    def opinion(self) -> str:
        """Their newest answers in words: "NPS 9 · CSAT 4"; "" without any."""
        answers = [("NPS", self.nps), ("CSAT", self.csat)]
        return " · ".join(f"{word} {score}" for word, score in answers if score is not None)

    def is_active(self, as_of: date, quiet_days: int = QUIET_DAYS) -> bool:
        first = as_of - timedelta(days=quiet_days)
        return any(day is not None and day >= first for day in (self.last_seen_on, self.last_contact_on))

    @property
    def is_known(self) -> bool:
        """Whether anything was ever seen or heard of them."""
        return self.last_seen_on is not None or self.last_contact_on is not None

    def band(self, as_of: date) -> str:
        if not self.is_known:
            return "unknown"
        if not self.is_active(as_of):
            return "red"
        return "yellow" if self.is_unhappy or self.is_fading else "green"


@dataclass(frozen=True)
class GroupHealth:
    """How the people of a role or persona are doing. `people` None: nobody holds it."""

    label: str
    band: str
    words: str
    people: tuple[Person, ...] = ()

    @property
    def is_held(self) -> bool:
        return bool(self.people)


@dataclass(frozen=True)
class Thread:
    """Whether the account rests on one person: `is_single` None: nothing is known. `person`: on whom."""

    is_single: bool | None
    words: str
    person: Person | None = None


def role_health(people: Sequence[Person], as_of: date) -> list[GroupHealth]:
    """Return the health of each role that matters, held or not, and of the others if there are any."""
    found = []
    for role, label in ROLE_WORDS.items():
        members = tuple(person for person in people if person.role == role)
        if members or role in KEY_ROLES:
            found.append(group_health(label, members, as_of))
    return found


def persona_health(people: Sequence[Person], as_of: date) -> list[GroupHealth]:
    """Return the health of each persona that has people here, by name."""
    personas = sorted({person.persona for person in people if person.persona})
    return [
        group_health(persona, tuple(person for person in people if person.persona == persona), as_of)
        for persona in personas
    ]


def group_health(label: str, people: tuple[Person, ...], as_of: date) -> GroupHealth:
    """Judge a group: red when nobody is active, yellow when few are, use fades or somebody is unhappy."""
    if not people:
        return GroupHealth(label, "unknown", "Nobody holds this role")
    active = [person for person in people if person.is_active(as_of)]
    if not any(person.is_known for person in people):
        return GroupHealth(label, "unknown", "Neither use nor contact is known", people)
    words = [_active_words(active, people)]
    now = sum(person.active_days for person in people)
    before = sum(person.active_days_before for person in people)
    is_fading = before >= FADING_BASELINE_DAYS and now < FADING_SHARE * before
    if before >= FADING_BASELINE_DAYS and now != before:
        words.append(f"days of use {now} after {before}")
    unhappy = [person for person in people if person.is_unhappy]
    words += [f"{person.name} is unhappy ({person.opinion})" for person in unhappy[:2]]
    if not active:
        return GroupHealth(label, "red", _sentence(words), people)
    is_thin = len(active) < ACTIVE_SHARE * len(people)
    band = "yellow" if is_thin or is_fading or unhappy else "green"
    return GroupHealth(label, band, _sentence(words), people)


def roles_missing(people: Iterable[Person]) -> list[str]:
    """Return the words of the roles that matter and that nobody holds."""
    held = {person.role for person in people}
    return [ROLE_WORDS[role] for role in KEY_ROLES if role not in held]


def single_thread(people: Sequence[Person], as_of: date) -> Thread:
    """Say whether the account rests on one person; the metric `single_thread` follows the same rule.

    It does when all contact within THREAD_DAYS was with one person who also made most of the use, or
    when the champion is quiet and nobody else who is senior is active.
    """
    first = as_of - timedelta(days=THREAD_DAYS)
    touched = [person for person in people if person.last_contact_on and person.last_contact_on >= first]
    uses = sum(person.uses for person in people)
    if not touched and not uses:
        return Thread(None, f"No contact with anybody known here, and no use by them, in {THREAD_DAYS} days.")
    if len(touched) == 1 and touched[0].uses >= MOST_USE_SHARE * uses:
        (person,) = touched
        use = f" and {round(100 * person.uses / uses)} % of the use is theirs" if uses else ""
        return Thread(True, f"All contact of the last {THREAD_DAYS} days was with {person.name}{use}.", person)
    champions = [person for person in people if person.role == "champion"]
    if champions and not any(person.is_senior and person.is_active(as_of) for person in people):
        names = " and ".join(person.name for person in champions[:2])
        return Thread(
            True,
            f"{names} went quiet, and no other senior contact was active in {QUIET_DAYS} days.",
            champions[0],
        )
    if not touched:
        return Thread(False, f"Nobody was in contact with us in {THREAD_DAYS} days.")
    if len(touched) == 1:
        return Thread(False, f"Contact was with {touched[0].name} only, but most of the use is by others.")
    return Thread(False, f"{len(touched)} people were in contact with us in {THREAD_DAYS} days.")


def successors(people: Sequence[Person], as_of: date) -> list[Person]:
    """Return who could take over from a champion who went quiet or is missing; empty while one is active.

    The active ones who are content, first those who are senior, then by their use.
    """
    champions = [person for person in people if person.role == "champion"]
    if any(person.is_active(as_of) for person in champions):
        return []
    able = [
        person for person in people if person not in champions and person.is_active(as_of) and not person.is_unhappy
    ]
    return sorted(able, key=lambda person: (not person.is_senior, -person.active_days, person.name))[:SUCCESSORS]


def _active_words(active: Sequence[Person], people: Sequence[Person]) -> str:
    if len(people) == 1:
        return f"active in {QUIET_DAYS} days" if active else f"quiet for more than {QUIET_DAYS} days"
    if not active:
        return f"none of {len(people)} active in {QUIET_DAYS} days"
    return f"{len(active)} of {len(people)} active in {QUIET_DAYS} days"


def _sentence(words: list[str]) -> str:
    text = ", ".join(words)
    return text[:1].upper() + text[1:]
