"""What the terminal shows."""

import sys

from intr_discover.console import print_error, progress_bar


def test_without_a_terminal_every_tenth_is_a_line(capsys):
    with progress_bar("drawing") as progress:
        for done in range(1, 101):
            progress(done, 100)
    captured = capsys.readouterr()
    lines = captured.err.splitlines()
    assert captured.out == ""
    assert [line.split(",")[0] for line in lines] == [
        f"drawing: {tenth} of 100" for tenth in range(10, 101, 10)
    ]
    assert all(line.endswith("left") for line in lines)


def test_nothing_to_do_is_no_error(capsys):
    with progress_bar("drawing") as progress:
        progress(0, 0)
    assert capsys.readouterr().err == ""


def test_with_a_terminal_a_bar_with_the_time_left(monkeypatch, capsys):
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    monkeypatch.setenv("TERM", "xterm")
    with progress_bar("drawing") as progress:
        progress(3, 10)
        progress(10, 10)
    assert "drawing" in capsys.readouterr().err


def test_only_the_first_process_speaks(monkeypatch, capsys):
    monkeypatch.setenv("RANK", "1")
    print_error("wrong")
    with progress_bar("drawing") as progress:
        progress(10, 10)
    assert capsys.readouterr().err == ""
    monkeypatch.setenv("RANK", "0")
    print_error("wrong\n  in two lines")
    assert capsys.readouterr().err == "intr-discover: wrong in two lines\n"
