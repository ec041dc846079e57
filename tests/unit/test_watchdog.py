"""Who hangs, and who is only slow to start or was not listened to."""

from services.watchdog import SILENT_S, Watchdog


def look(watchdog: Watchdog, pids: dict[str, int], begin_s: float, end_s: float) -> list[str]:
    found: list[str] = []
    for step in range(int((end_s - begin_s) * 10)):
        found = watchdog.hung(pids, begin_s + step / 10)
    return found


def test_who_falls_silent_hangs_after_ten_periods_of_health():
    watchdog, pids = Watchdog(), {"camera.cam01": 7, "pose.0": 8}
    watchdog.hear("camera.cam01", 7, 0.0)
    watchdog.hear("pose.0", 8, 5.0)
    assert look(watchdog, pids, 0.0, SILENT_S) == []
    assert look(watchdog, pids, SILENT_S, SILENT_S + 1) == ["camera.cam01"]


def test_who_has_not_spoken_in_this_life_is_still_starting():
    watchdog = Watchdog()
    watchdog.hear("camera.cam01", 7, 0.0)
    assert look(watchdog, {"camera.cam01": 9, "fusion": 10}, 0.0, 60.0) == []


def test_nobody_is_blamed_while_we_did_not_listen():
    watchdog, pids = Watchdog(), {"fusion": 3}
    watchdog.hear("fusion", 3, 0.0)
    assert watchdog.hung(pids, 0.1) == []
    assert watchdog.hung(pids, 30.0) == []
    assert look(watchdog, pids, 30.1, 30.0 + SILENT_S) == []
