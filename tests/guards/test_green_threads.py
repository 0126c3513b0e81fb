"""Names by which a process with gevent or eventlet is recognised; neither has to be installed."""

from importlib.util import find_spec
from pathlib import Path

from gevent import monkey

from .expectations import attributes, callables, check


def test_gevent() -> None:
    expected = [
        *callables(monkey, get_original="mod_name, item_name"),
        *attributes(monkey, "saved"),
    ]
    check("gevent", expected, used_in="common/green_threads.py")


def test_eventlet() -> None:
    """From the source: importing eventlet warns of its end."""
    package = find_spec("eventlet")
    assert package is not None
    assert package.origin is not None
    source = Path(package.origin).with_name("patcher.py").read_text()
    assert "\ndef is_monkey_patched(module):" in source
