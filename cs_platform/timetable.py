"""Everything that happens by the clock, a line each. All times are UTC."""

from team.schedules import Entry

TIMETABLE = [
    Entry("team.forget_done_work", every_seconds=3600),
]
