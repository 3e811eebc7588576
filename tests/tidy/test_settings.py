""".env.example is the Settings, no more and no less, and works as it stands."""

from __future__ import annotations

import re
from collections.abc import Iterator

from pydantic import BaseModel

from common.config import Settings
from tests.tidy.sources import ROOT

EXAMPLE = ROOT / ".env.example"


def test_every_setting_is_in_the_example_and_nothing_else() -> None:
    listed = re.findall(r"^(?:# ?)?([A-Z][A-Z0-9_]*)=", EXAMPLE.read_text(), re.MULTILINE)
    assert sorted(listed) == sorted(_variables(Settings))


def test_the_example_is_a_working_configuration_and_states_the_defaults() -> None:
    assert Settings(_env_file=EXAMPLE) == Settings(_env_file=None)


def _variables(model: type[BaseModel], prefix: str = "") -> Iterator[str]:
    """Yield the environment variable of every field; EXCHANGE__PORT for a nested one."""
    for name, field in model.model_fields.items():
        variable = prefix + name.upper()
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            yield from _variables(field.annotation, f"{variable}__")
        else:
            yield variable
