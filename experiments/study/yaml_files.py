"""YAML as study files use it: safe, without duplicate keys, and with 3e-4 as a number."""

import re
from collections.abc import Hashable
from typing import Any

import yaml

from oneshot_hpo.experiments.errors import ExperimentError, one_line


class YamlError(ExperimentError, ValueError):
    """Text that is not YAML; the message says where."""


class _Loader(yaml.SafeLoader):
    """PyYAML's safe loader, stricter with keys and kinder to numbers."""

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        """Refuse aliases: a few lines of them can expand to a billion values."""
        if self.check_event(yaml.AliasEvent):
            alias = self.peek_event()
            raise yaml.composer.ComposerError(
                None, None, f"*{alias.anchor}: aliases are not known here", alias.start_mark
            )
        return super().compose_node(parent, index)

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        """Build a mapping; a duplicate key is an error, where YAML takes the last one."""
        seen = set()
        for key_node, _ in node.value:
            key = self.construct_object(key_node, deep=True)
            if not isinstance(key, str):
                raise yaml.constructor.ConstructorError(
                    None, None, f"key {key!r} is not a word", key_node.start_mark
                )
            if key in seen:
                raise yaml.constructor.ConstructorError(
                    None, None, f"key {key!r} is there twice", key_node.start_mark
                )
            seen.add(key)
        return super().construct_mapping(node, deep)


class _Dumper(yaml.SafeDumper):
    """PyYAML's safe dumper, which quotes text that the loader would read as a number."""


# YAML 1.1, which PyYAML follows, reads 3e-4 and 1e5 as text: it wants a point and a sign.
for _class in (_Loader, _Dumper):
    _class.add_implicit_resolver(
        "tag:yaml.org,2002:float",
        re.compile(r"^[-+]?[0-9]+(?:\.[0-9]*)?[eE][-+]?[0-9]+$"),
        list("-+0123456789"),
    )


def load_yaml(text: str) -> Any:
    """The value of a YAML document. YamlError, with line and column: it is not YAML."""
    try:
        return yaml.load(text, _Loader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        where = f"line {mark.line + 1}, column {mark.column + 1}: " if mark else ""
        raise YamlError(f"{where}{error.problem}") from None
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise YamlError(one_line(error)) from None


def dump_yaml(document: dict[str, Any]) -> str:
    """The document as YAML, keys in their order."""
    text: str = yaml.dump(document, Dumper=_Dumper, sort_keys=False, width=100)
    return text
