"""Fields of log lines are not decorated in the modules of crossbar through which messages go."""

import importlib.util
from pathlib import Path
from types import ModuleType

from ocsd.router import log_fields
from ocsd.router.amendments import amendments


def test_decorations_return_the_value_as_it_is():
    module = ModuleType("broker")
    module.hlid = module.pformat = module.hltype = str.upper
    log_fields.leave_plain(module)
    assert module.hlid("topic") == module.pformat("topic") == "topic"
    assert module.hltype(len, render=True) is len
    assert not hasattr(module, "hlval")


def test_each_module_that_is_costly_is_changed_and_keeps_its_other_changes():
    class Dealer:
        pass

    dealer = ModuleType("dealer")
    dealer.Dealer, dealer.hlid = Dealer, repr
    changes = amendments()
    assert set(log_fields.COSTLY) <= set(changes)
    changes["crossbar.router.dealer"](dealer)
    assert dealer.hlid("call") == "call"
    assert dealer.Dealer is not Dealer


def test_crossbar_decorates_the_fields_of_its_log_lines_in_these_modules():
    folder = Path(importlib.util.find_spec("crossbar").submodule_search_locations[0])
    for name in log_fields.COSTLY:
        source = folder / f"{name.removeprefix('crossbar.').replace('.', '/')}.py"
        assert "hlid(" in source.read_text()
