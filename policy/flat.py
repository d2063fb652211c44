"""A syntax tree as one flat list, so that two trees can be compared exactly; and taking a tree apart.

The parser's own equality compares 64-bit hashes in which the case of some words is lost.
"""

from collections.abc import Iterable

from sqlglot import exp

_CHILD = object()


def flat(root: exp.Expr, nodes: list[exp.Expr] | None = None) -> list[object]:
    """Every kind, argument and value of `root`; equal lists mean equal trees, comments and positions apart.

    Every node is added to `nodes`, which must be empty.
    """
    out: list[object] = []
    met = [] if nodes is None else nodes
    met.append(root)
    for node in met:  # which grows meanwhile: every node is met once, level by level
        out.append(type(node))
        for slot, value in node.args.items():
            if type(value) is str:
                out += (slot, value)
            elif isinstance(value, exp.Expr):
                out += (slot, _CHILD)
                met.append(value)
            elif type(value) is list:
                if value:
                    out += (slot, len(value))
                    for item in value:
                        if isinstance(item, exp.Expr):
                            out.append(_CHILD)
                            met.append(item)
                        else:
                            out.append(item)
            elif value is not None and value is not False:
                out += (slot, value)
    return out


def take_apart(nodes: Iterable[exp.Expr]) -> None:
    """Cut the links from children to parents of a tree, of which these are all nodes, that nobody needs any more.

    With them a tree is one circle of hundreds of objects, which only the garbage collector can free.
    """
    for node in nodes:
        node.parent = None
