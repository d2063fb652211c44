"""A YAML document whose every value remembers the line and column where it stands; duplicate keys are errors."""

from collections.abc import Sequence
from typing import Any

import yaml


class PolicyDocumentError(Exception):
    """A policy or catalog document that cannot be used; `line` and `column` are 1-based, where they are known."""

    code = "bad_document"
    retryable = False

    def __init__(self, message: str, hint: str, line: int | None = None, column: int | None = None) -> None:
        where = f"line {line}, column {column}: " if line is not None else ""
        super().__init__(f"{where}{message}")
        self.message = message
        self.hint = hint
        self.line = line
        self.column = column


class YamlSource:
    """A parsed document: its plain value, and where each part of it was written."""

    def __init__(self, text: str) -> None:
        """Parse `text`; raises PolicyDocumentError."""
        loader: yaml.SafeLoader | None = None
        self._lines = text.splitlines()
        try:
            loader = yaml.SafeLoader(text)
            node = loader.get_single_node()
            self._root: yaml.Node | None = node
            self.value: Any = None if node is None else _plain(loader, node, ())
        except yaml.MarkedYAMLError as error:
            mark = error.problem_mark or error.context_mark
            raise PolicyDocumentError(
                f"the document is not YAML: {error.problem or 'unreadable'}",
                "check indentation, quotes and brackets",
                mark.line + 1 if mark else None,
                mark.column + 1 if mark else None,
            ) from None
        except (yaml.YAMLError, RecursionError, ValueError):
            raise PolicyDocumentError("the document is not YAML", "save it as plain UTF-8 text") from None
        finally:
            if loader is not None:
                loader.dispose()

    def at(self, path: Sequence[str | int], *, key: bool = False) -> tuple[int | None, int | None]:
        """Line and column of what `path` leads to, or of the nearest thing above it; `key` asks for the key itself."""
        node = self._root
        place = node
        for step in path:
            found = _child(node, step)
            if found is None:
                break
            key_node, node = found
            place = key_node if key and key_node is not None else node
        return (place.start_mark.line + 1, place.start_mark.column + 1) if place is not None else (None, None)

    def inside(self, path: Sequence[str | int], line: int, column: int) -> tuple[int | None, int | None]:
        """Where a line and column of the text at `path` stand in the document, as far as its style of writing tells."""
        node = self._root
        for step in path:
            found = _child(node, step)
            node = found[1] if found is not None else node
        if not isinstance(node, yaml.ScalarNode):
            return self.at(path)
        start = node.start_mark.line + 1, node.start_mark.column + 1
        if node.style == "|":
            first = self._lines[start[0]]
            return start[0] + line, len(first) - len(first.lstrip(" ")) + column
        if line > 1 or node.style == ">":
            return start
        return start[0], start[1] + column - 1 + (node.style in ("'", '"'))


def _child(node: yaml.Node | None, step: str | int) -> tuple[yaml.Node | None, yaml.Node] | None:
    if isinstance(node, yaml.MappingNode):
        return next(((k, v) for k, v in node.value if getattr(k, "value", None) == step), None)
    if isinstance(node, yaml.SequenceNode) and isinstance(step, int) and 0 <= step < len(node.value):
        return None, node.value[step]
    return None


def _plain(loader: yaml.SafeLoader, node: yaml.Node, above: tuple[int, ...]) -> Any:
    if id(node) in above:
        raise _error(node, "an alias that contains itself", "write the value out")
    inside = (*above, id(node))
    if isinstance(node, yaml.SequenceNode):
        return [_plain(loader, child, inside) for child in node.value]
    if isinstance(node, yaml.MappingNode):
        plain: dict[str, Any] = {}
        for key, value in node.value:
            if not isinstance(key, yaml.ScalarNode) or key.tag == "tag:yaml.org,2002:merge":
                raise _error(key, "a key must be a plain word", "write the entries out")
            if key.value in plain:
                raise _error(key, f"the key `{key.value}` is given twice", "keep one of them")
            plain[key.value] = _plain(loader, value, inside)
        return plain
    return loader.construct_object(node)


def _error(node: yaml.Node, message: str, hint: str) -> PolicyDocumentError:
    return PolicyDocumentError(message, hint, node.start_mark.line + 1, node.start_mark.column + 1)
