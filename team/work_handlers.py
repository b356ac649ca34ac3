"""The work that this room does by itself."""

from team import canary, work


@work.handler("team.canary")
def sing(payload: work.Payload) -> None:
    canary.forget_earlier()


@work.handler("team.forget_done_work")
def forget_done_work(payload: work.Payload) -> None:
    while work.forget_done() == work.PURGE_ROWS:
        pass
