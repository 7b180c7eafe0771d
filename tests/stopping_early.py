"""Ctrl-C after so many steps, without a signal."""

from contextlib import contextmanager

from mutua.training import loop


def stop_after(monkeypatch, steps):
    """Make training believe that it was asked to stop after `steps` steps."""

    @contextmanager
    def asked_to_stop():
        asked = iter(range(1, 1000))
        yield lambda: next(asked) >= steps

    monkeypatch.setattr(loop, "asked_to_stop", asked_to_stop)
