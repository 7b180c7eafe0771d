import dataclasses
import inspect
from dataclasses import fields

import docstring_parser
import pytest

from mutua.report import papers
from mutua.studies import STUDIES, study
from mutua.types import InputError


@pytest.mark.parametrize("name", STUDIES)
def test_a_study_is_as_the_command_line_needs_it(name):
    module = study(name)
    assert {"cpu", "full"} <= set(module.PRESETS)
    kind = type(module.PRESETS["cpu"])
    assert module.PRESETS["cpu"] == kind(), "the defaults are the cpu preset"
    for preset in module.PRESETS.values():
        assert type(preset) is kind
        assert kind.__dataclass_params__.frozen
        assert plain(dataclasses.asdict(preset))
    described = {p.arg_name for p in docstring_parser.parse(inspect.getdoc(kind)).params}
    assert described == {one.name for one in fields(kind)}
    assert papers(module.run)
    assert list(inspect.signature(module.run).parameters) == ["config"]


def plain(value):
    if isinstance(value, dict):
        return all(map(plain, value.values()))
    if isinstance(value, tuple | list):
        return all(map(plain, value))
    return value is None or isinstance(value, str | int | float | bool)


def test_an_unknown_study_is_refused_with_the_names():
    with pytest.raises(InputError, match="density-ratio"):
        study("density")
