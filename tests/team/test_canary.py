import pytest

from team import work
from team.canary import Song, last_song

pytestmark = pytest.mark.django_db


def test_no_song_yet_is_late():
    assert last_song() == Song(None, None)
    assert last_song().is_late


def test_the_canary_goes_the_whole_way():
    work.enqueue(kind="team.canary", key="schedule")
    assert work.run_due_work() == 1
    song = last_song()
    assert 0 <= song.age_seconds < 5
    assert 0 <= song.delay_seconds < 5
    assert not song.is_late


def test_a_song_of_a_minute_ago_is_late():
    assert Song(61, 0.1).is_late
    assert not Song(60, 0.1).is_late
