"""The work that this room does by itself."""

from team import work


@work.handler("team.forget_done_work")
def forget_done_work(payload: work.Payload) -> None:
    work.forget_done()
