"""Everything that happens by the clock, a line each. All times are UTC."""

from datetime import time

from team.schedules import Entry

TIMETABLE = [
    Entry("team.canary", every_seconds=15),
    Entry("team.forget_done_work", every_seconds=3600),
    Entry("team.forget_kept_answers", daily_at=time(4, 20)),
    Entry("team.check_security_log", daily_at=time(4, 40)),
    Entry("accounts.refresh_terms", daily_at=time(0, 1)),
    Entry("health.make_partitions", every_seconds=3600),
    Entry("health.forget_old_usage", every_seconds=3600),
    Entry("health.release_held_events", every_seconds=60),
    Entry("health.check_feeds", every_seconds=300),
    Entry("health.score_changed", every_seconds=5),
    Entry("health.score_everybody", daily_at=time(0, 5)),
    Entry("health.revise_late_days", daily_at=time(3, 10)),
    Entry("health.evaluate_alerts", daily_at=time(1, 0)),
    Entry("health.forget_old_snapshots", daily_at=time(2, 30)),
]
