"""Verifies an export of the journal. Needs Python 3.11 and `cryptography`, and nothing of the program that wrote it.

    python verify.py journal.jsonl --trust trust.txt [--anchor FILE_OR_DIRECTORY ...] [--state STATE] [--json]

`trust.txt` comes from whoever you trust, never from the database: `log KEY`, `writer KEY`, `witness KEY` and
`quorum NUMBER`, a line each. Anchors are notes or printed lines that were kept elsewhere before the export was made.
Ends with 0 if all holds, 1 if not (the first line names the first bad entry), 2 if the question could not be asked.
With `--state` it goes on where the last run that held has ended, and leaves its own end there.
"""

import argparse
import gzip
import hashlib
import json
from base64 import b64decode
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import Any
from uuid import UUID

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

KEEP_S, AGED_S, LATE_S, SLACK_S = 430 * 86_400, 365 * 86_400, 3_600, 120.0  # months; in the tree; not in it; clocks
UNDONE, NEVER = ("refused", "failed", "cancelled", "unknown"), "a call was answered that was never permitted"
Record = dict[str, Any]
_spell = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode
_sha: Callable[[bytes | bytearray], bytes] = lambda data: hashlib.sha256(data).digest()  # noqa: E731
_when: Callable[[str], float] = lambda at: datetime.fromisoformat(at).timestamp()  # noqa: E731
_key = lru_cache(lambda told: Ed25519PublicKey.from_public_bytes(b64decode(told.split("+", 2)[2])[1:]))


def _fold(hashes: bytes) -> bytes:
    while len(hashes) > 32:
        hashes = b"".join(_sha(b"\1" + hashes[i : i + 64]) for i in range(0, len(hashes), 64))
    return hashes


def _is_signed(key: str, signature: bytes, message: bytes) -> bool:
    with suppress(InvalidSignature, ValueError, IndexError):
        return _key(key).verify(signature, message) is None
    return False


class Trust:
    """Whose signatures count, as `log KEY`, `writer KEY`, `witness KEY` and `quorum NUMBER`. Raises ValueError."""

    def __init__(self, text: str) -> None:
        told = [[*line.partition("#")[0].split(), "", ""][:2] for line in text.splitlines()]
        said = {what: [key for which, key in told if which == what] for what, _ in told if what}
        if said.keys() - {"log", "writer", "witness", "quorum"} or not said.keys() >= {"log", "writer"}:
            raise ValueError("trust: name at least one log and one writer, and nothing unknown")
        self.writers, self.logs, self.witnesses = (set(said.get(who, [])) for who in ("writer", "log", "witness"))
        self.quorum = int(said.get("quorum", ["0"])[0])
        self._keys = {(key.split("+")[0], bytes.fromhex(key.split("+")[1])): key for key in self.logs | self.witnesses}
        for key in self.logs:  # a log signs with the time as well (C2SP tlog-cosignature), with the same key
            name, raw = key.split("+")[0], b"\4" + b64decode(key.split("+", 2)[2])[1:]
            self._keys[name, _sha(name.encode() + b"\n" + raw)[:4]] = key

    def checkpoint(self, note: str) -> tuple[str, int, bytes, int, int]:
        """Origin, size, root, time and cosignatures of a checkpoint that the log has signed. Raises ValueError."""
        text, blank, lines = note.rpartition("\n\n")
        signed: dict[str, set[int]] = {}
        for line in lines.removesuffix("\n").split("\n"):
            dash, name, encoded = line.split(" ")
            raw = b64decode(encoded, validate=True)
            if dash != "\N{EM DASH}" or not blank or not lines.endswith("\n"):
                raise ValueError("malformed")
            if (key := self._keys.get((name, raw[:4]))) is None:
                continue  # by whom we do not know: it says nothing
            is_timed = key in self.witnesses or raw[:4].hex() != key.split("+")[1]
            at = int.from_bytes(raw[4:12], "big") if is_timed else 0
            message = f"cosignature/v1\ntime {at}\n{text}\n" if is_timed else f"{text}\n"
            if not _is_signed(key, raw[12:] if is_timed else raw[4:], message.encode()):
                raise ValueError(f"the signature of {name} does not verify")
            signed.setdefault(key, set()).add(at)
        by = next((key for key in self.logs if 0 in signed.get(key, ())), None)
        if by is None:
            raise ValueError("no log that is trusted has signed it")
        origin, size, root, *_ = text.split("\n")
        return origin, int(size), b64decode(root, validate=True), max(signed[by]), len(signed.keys() & self.witnesses)


class _Tree:  # RFC 6962, as the right edge of its tiles and the hashes of those that it has filled
    def __init__(self, size: int, edge: list[str]) -> None:
        self.size, self.full = size, dict[tuple[int, int], bytes]()
        self.edge = [bytearray.fromhex(tile) for tile in [*edge, *[""] * 8][:8]]

    def push(self, leaf: bytes) -> None:
        self.size += 1
        for level, tile in enumerate(self.edge):
            tile.extend(leaf)
            if len(tile) < 256 * 32:
                return
            self.full[level, (self.size >> 8 * level + 8) - 1], leaf = _sha(tile), _fold(bytes(tile))
            tile.clear()

    def root(self) -> bytes:
        right = b""
        for tile in map(bytes, self.edge):
            while tile:
                width = len(tile) & -len(tile)
                tile, part = tile[:-width], _fold(tile[-width:])
                right = _sha(b"\1" + part + right) if right else part
        return right or _sha(b"")

    def tiles(self) -> dict[tuple[int, int], bytes]:
        return self.full | {(at, self.size >> 8 * at + 8): _sha(tile) for at, tile in enumerate(self.edge) if tile}


class Verifier:
    """Reads the records of an export once, in order. `report` is what was found; if it is empty, the end is missing."""

    def __init__(self, trust: Trust, anchors: Iterable[str] = (), state: Record | None = None) -> None:
        empty = {"size": 0, "edge": [], "streams": {}, "calls": {}, "gone": {}, "told": {}, "last": [0, 0, 0]}
        self._s: Record = json.loads(json.dumps(state or empty))
        new: list[Any] = [0, "", "", -1]  # next n, digest and time of the last entry, the last n that was signed
        self._streams = self._s["streams"] = defaultdict(new.copy, self._s["streams"])
        self._trust, self._tree = trust, _Tree(self._s["size"], self._s["edge"])
        self._log, self._tiles, self.state = Record(size=-1), self._tree.tiles(), Record()
        self._entries, self._cosigned, self._before = 0, 0, self._s["last"][2]
        self._span, self._run, self.report = ["~", ""], Record(count=0), Record()
        self.findings, self.warnings = list[dict[str, str]](), list[dict[str, str]]()
        self._registry, self._heads = dict[str, Record](), dict[tuple[str, int], str]()
        self._want, self._times, self._gone = dict[int, bytes](), dict[int, list[int]](), set[tuple[int, int]]()
        for line in anchors:
            try:
                told: Record = json.loads(line) if line.startswith("{") else {"journal_checkpoint": line}
                if head := told.get("journal_head"):
                    self._heads[str(head["stream"]), int(head["n"])] = head["digest"]
                elif note := told.get("journal_checkpoint"):
                    size, root, at = trust.checkpoint(note)[1:4]
                    self._gone |= {(size, at)} if [size, at] > self._s["last"][1:] else set()
                    self._must(self._want.setdefault(size, root) == root, f"anchor of {size}", "it has two histories")
            except (ValueError, KeyError, TypeError) as error:
                self._must(False, "anchor", f"not to be believed: {error}", warns=True)

    def _must(self, holds: bool, place: str, why: str, *, warns: bool = False) -> None:
        if not holds:
            (self.warnings if warns else self.findings).append({"place": place, "why": why})

    def read(self, record: Record) -> None:
        """Take the next record of the export. Raises ValueError."""
        try:
            match record["t"]:
                case "log":
                    self._log = record
                    if record["from"] != self._tree.size:
                        raise ValueError(f"it begins at {record['from']}; {self._tree.size} entries were verified")
                case "stream":
                    self._registry[stream := record["stream"]] = record
                    self._must(record["key"] in self._trust.writers, f"stream {stream}", "its key is not trusted")
                case "cursor":
                    at_end = record["next_n"] == self.state["streams"].get(stream := record["stream"], [0])[0]
                    self._must(at_end, f"stream {stream}", "its cursor is not at the end of its leaves")
                case "tile":
                    at, digest = (record["level"], record["index"]), _sha(bytes.fromhex(record["hashes"]))
                    self._must(self._tiles.pop(at, None) == digest, f"tile {at}", "its hashes are not those of entries")
                case "run" | "tail":
                    place, stream = f"{self._run.get('stream')}/{self._run.get('n')}", record.get("stream", "")
                    self._must(self._run["count"] <= 0, place, "the entry is missing")
                    self._run, after = Record(count=0) | record, self._streams.get(stream, [0])[0]
                    goes_on = record["t"] == "tail" or (record["first"], record["n"]) == (self._tree.size, after)
                    self._must(goes_on, f"leaf {self._tree.size}", "it is not where its stream and the tree go on")
                    if record["t"] == "tail":
                        now = self._s | {"size": self._tree.size, "edge": [tile.hex() for tile in self._tree.edge]}
                        self.state, self._tiles = json.loads(json.dumps(now)), self._tree.tiles()
                case "leaf":
                    stream, n = self._run["stream"], self._run["n"]
                    month = self._registry.get(stream, {}).get("month", "2000-01-01")
                    self._streams[stream][:] = [n + 1, record["digest"], self._streams[stream][2], n]
                    self._grow(bytes.fromhex(record["digest"]))
                    gone = self._s["gone"].setdefault(month, [0, f"{stream}/{n}"])
                    gone[:1], gone[2:] = [gone[0] + 1], [self._before]  # the count, and the youngest
                case other:
                    getattr(self, "_on_" + other)(record)
        except (KeyError, TypeError, AttributeError) as error:
            raise ValueError(f"not a record of an export: {type(error).__name__} {error}") from error

    def _on_checkpoint(self, record: Record) -> None:
        place, before = f"checkpoint {record['id']}", self._s["last"]
        try:
            origin, size, root, at, self._cosigned = self._trust.checkpoint(record["note"])
        except ValueError:
            self._must(False, place, "the log that is trusted has not signed this")
            return
        told = (record["id"] - 1, self._log["origin"], *map(record.get, ("size", "root", "at")))
        self._must(told == (before[0], origin, size, root.hex(), at), place, "its columns are not what was signed")
        self._must(size >= before[1] and at >= before[2], place, f"it does not follow checkpoint {before[0]}")
        self._must(self._want.setdefault(size, root) == root, place, "outside, this size has another root")
        self._times.setdefault(size, [at, at])[1] = at
        self._gone.discard((size, at))
        self._s["last"] = [record["id"], size, at]

    def _grow(self, digest: bytes) -> None:
        self._run |= {"count": self._run["count"] - 1, "n": self._run["n"] + 1}
        self._before = self._times.get(self._tree.size, [0, self._before])[1]  # the last head that is without this leaf
        self._tree.push(digest)
        if (size := self._tree.size) in self._want:
            self._must(self._tree.root() == self._want[size], f"leaf {size - 1}", "up to it, the tree is not as signed")
        if size in self._times:
            for off in (_when(at) - self._times[size][0] for at in self._span if at[:1] == "2"):
                self._must(abs(off) <= SLACK_S, f"leaf {size - 1}", f"dated {off:.0f} s off its first head", warns=True)
            self._span = ["~", ""]

    def _on_entry(self, record: Record) -> None:
        body, stream, n, at, call = map(record.__getitem__, ("body", "stream", "n", "at", "call_id"))
        place, state, stage, signed = f"{stream}/{n}", self._streams[stream], record["stage"], record["signature"]
        raw, opened = body.encode("utf-8", "surrogateescape"), self._registry.get(stream, {"month": None, "key": "++"})
        hashed = (digest := _sha(b"\0" + raw)).hex()
        head = f'{{"at":{_spell(at)},"call_id":{_spell(call)},"facts":'
        link = f',"n":{n},"prev":"{state[1]}"'
        tail = f'{link},"stage":{_spell(stage)},"stream":{_spell(stream)},"v":1}}'
        facts, spelled, fits = Record(), body[len(head) : -len(tail)], False
        with suppress(ValueError, TypeError, RecursionError):  # without its facts, it does not fit
            facts = dict(json.loads(spelled if (body, hashed) == (head + spelled + tail, record["digest"]) else ""))
            fits = (_spell(facts), facts.get("subject", ""), body.encode()) == (spelled, record["subject"], raw)
        follows = n == state[0] and at >= state[2] and (fits or link in body)
        self._must(follows, place, "it does not follow the entry before it in its stream")
        self._must(fits or not follows, place, "its bytes are not what its columns say, in canonical form")
        is_opened = n > 0 or (facts.get("signed_by"), facts.get("month")) == (opened["key"], opened["month"])
        self._must(is_opened and record["month"] == opened["month"], place, "its stream is not registered so")
        if signed is not None:
            message = b"snowgate journal batch v1\n" + UUID(stream).bytes + n.to_bytes(8, "big") + digest
            self._must(_is_signed(opened["key"], bytes.fromhex(signed), message), place, "its signature is wrong")
        state[:] = [n + 1, hashed, at, state[3] if signed is None else n]
        self._must(self._heads.pop((stream, n), hashed) == hashed, place, "its writer has printed another hash")
        self._entries, self._span = self._entries + 1, [min(self._span[0], at), max(self._span[1], at)]
        if self._run["count"] > 0:
            self._grow(digest)
        elif at[:1] == "2" and _when(at) < self._s["last"][2] - LATE_S:
            self._must(False, place, "heads were signed long after it, and none covers it")
        if stage == "retention.drop":
            self._s["told"][facts.get("month")] = [facts.get("entries"), at]
        elif stage in ("decided", "answered", *UNDONE):  # in this order, but for a call whose month turned half-way
            one = self._s["calls"].setdefault(call, ["", ""])
            one[stage != "decided"] = str(facts.get("decision")) if stage == "decided" else place
            if stage in UNDONE or all(one):
                self._must(stage in UNDONE or one[0] in ("permit", "hold"), one[1], NEVER)
                del self._s["calls"][call]

    def _on_end(self, _: Record) -> None:
        size, signed, told = self._tree.size, max(self._want, default=0), self._log["size"]
        self._must(signed <= size == told, f"leaf {size}", f"it is the end, of {told}; a head of {signed} was signed")
        self._must(not self._gone, f"head {max(self._gone, default='')}", "it was signed, and its row is not there")
        for stream, (after, _digest, _at, signed) in self._streams.items():
            self._must(signed == after - 1, f"{stream}/{signed + 1}", "no signature of its writer covers it")
        for stream, n in self._heads:
            self._must(self._streams[stream][0] > n, f"{stream}/{n}", "its writer has printed it, and it is not there")
        for month, (count, place, *before) in self._s["gone"].items():
            said, at = self._s["told"].get(month, [-1, ""])
            due = max([_when(f"{month}T00Z") + KEEP_S, *(each + AGED_S for each in before)])
            self._must(said == count and _when(at) >= due, place, f"{count} entries of {month} went for no good reason")
        for decision, place in self._s["calls"].values():
            self._must(bool(decision or self._s["gone"]), place, NEVER)
        self._must(not self._tiles, f"tile {min(self._tiles, default=0)}", "it is missing")
        self._must(self._cosigned >= self._trust.quorum, "newest checkpoint", f"cosigned by {self._cosigned} alone")
        found = {"ok": not (bad := self.findings), "first": [*bad, None][0], "findings": bad, "warnings": self.warnings}
        self.report = {"entries": self._entries, "leaves": size, "open_calls": len(self._s["calls"])} | found


def texts(path: Path) -> Iterator[str]:
    """Notes and lines in a file, opened if it ends with `.gz`, or in the files of a directory."""
    for file in sorted(path.iterdir()) if path.is_dir() else [path]:
        with gzip.open(file, "rt", encoding="utf-8") if file.suffix == ".gz" else file.open(encoding="utf-8") as lines:
            yield from [lines.read()] if file.suffix == ".note" else lines


def main() -> int:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("export", type=Path)
    parser.add_argument("--trust", type=Path, required=True)
    parser.add_argument("--anchor", type=Path, action="append", default=[])
    parser.add_argument("--state", type=Path)
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args()
    try:
        anchors = [text for path in asked.anchor for text in texts(path) if '{"journal_' in text or "\n\n" in text]
        state = json.loads(asked.state.read_text()) if asked.state and asked.state.exists() else None
        verifier = Verifier(Trust(asked.trust.read_text("utf-8")), anchors, state)
        for line in texts(asked.export):
            verifier.read(json.loads(line))
        report = verifier.report or parser.error("cannot verify: the export is cut off")
    except (OSError, ValueError) as error:
        parser.error(f"cannot verify: {error}")
    if report["ok"] and asked.state:
        asked.state.write_text(json.dumps(verifier.state))
    told = [*map("{place}: {why}".format_map, report["findings"])] or [f"{report['leaves']} entries: everything holds"]
    told += map("warning: {place}: {why}".format_map, report["warnings"])
    print(json.dumps(report) if asked.json else "\n".join(told))
    return 0 if report["ok"] else 1


if __name__ == "__main__":
    raise SystemExit(main())
