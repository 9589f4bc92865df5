"""Only so many instances are being started at a time."""

from ocsd.daemon.instances.launch_window import LONGEST_STAY_S, ROOM, LaunchWindow


def queue(window, count):
    begun = []
    for number in range(count):
        window.enter(f"a{number}", lambda number=number: begun.append(number))
    return begun


def test_nobody_starts_before_the_window_is_open(clock):
    window = LaunchWindow(clock)
    begun = queue(window, 2)
    assert begun == []
    window.open()
    assert begun == [0, 1]
    clock.advance(LONGEST_STAY_S)


def test_those_who_are_ready_make_room_in_order(clock):
    window = LaunchWindow(clock)
    window.open()
    begun = queue(window, ROOM + 2)
    assert begun == list(range(ROOM))
    window.leave("a3")
    assert begun == list(range(ROOM + 1))
    clock.advance(LONGEST_STAY_S)
    assert begun == list(range(ROOM + 2))
    clock.advance(LONGEST_STAY_S)


def test_who_waits_can_be_taken_back_and_who_is_inside_cannot(clock):
    window = LaunchWindow(clock)
    begun = queue(window, 1)
    assert window.withdraw("a0")
    window.open()
    assert begun == []
    assert not window.withdraw("a0")
