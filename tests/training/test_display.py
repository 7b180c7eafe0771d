import pytest
from rich.console import Console

from mutua.training.display import display


def test_a_terminal_has_a_bar_with_loss_and_rate(monkeypatch, capsys):
    monkeypatch.setattr(Console, "is_terminal", True)
    monkeypatch.setenv("COLUMNS", "120")
    with display(True, "Toy", 3, 9) as show:
        show(4, None, 0.0)
        show(5, 0.25, 1234.0)
        show(9, None, 0.0)
    shown = capsys.readouterr()
    assert shown.out == ""
    assert "Toy" in shown.err
    assert "9/9" in shown.err
    assert "loss 0.2500" in shown.err
    assert "1,234 examples/s" in shown.err


def test_a_log_has_a_line_now_and_then_and_one_at_the_end(capsys):
    with display(True, "Toy", 0, 500) as show:
        for step in range(1, 501):
            show(step, 1.0 / step if step % 50 == 0 else None, 10.0)
    lines = capsys.readouterr().err.splitlines()
    assert lines[-1] == "Toy: step 500 of 500, loss 0.0020, 10 examples/s"
    assert len(lines) < 20  # one in 15 seconds, and the last


@pytest.mark.parametrize("terminal", [True, False])
def test_nothing_where_it_was_not_asked_for(terminal, monkeypatch, capsys):
    monkeypatch.setattr(Console, "is_terminal", terminal)
    with display(False, "Toy", 0, 2) as show:
        show(1, 0.5, 1.0)
        show(2, 0.5, 1.0)
    assert capsys.readouterr() == ("", "")
