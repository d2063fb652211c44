"""Verifies an export of the journal. Needs Python 3.11 and `cryptography`, and nothing of the program that wrote it.

    python verify.py journal.jsonl --trust trust.txt [--anchor FILE_OR_DIRECTORY ...] [--state STATE] [--json]

`trust.txt` comes from whoever you trust, never from the database: `log KEY`, `writer KEY`, `witness KEY` and
`quorum NUMBER`, a line each. Anchors are what was kept elsewhere: notes, or lines that the gates have printed.
Ends with 0 if all holds, 1 if not (the first line names the first bad entry), 2 if the question could not be asked.
With `--state`, it goes on where the last run that held has ended, and leaves its own end there.
"""

import argparse
import base64
import gzip
import hashlib
import json
import sys
from collections import defaultdict
from collections.abc import Iterable, Iterator
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

KEEP = timedelta(days=430)  # from the first day of a month
SKEW_S, LAG_S = 120.0, 120.0
ENDS = ("answered", "refused", "failed", "cancelled", "unknown")
PERMITS, NEVER = ("permit", "hold"), "a call was answered that was never permitted"
COLUMNS = ("stream", "n", "at", "stage", "call_id")
BODY = {*COLUMNS, "v", "prev", "facts"}
TILE_BYTES = 256 * 32

Record = dict[str, Any]


class Unreadable(Exception):
    """The question cannot be asked: a file is missing or is not what it should be."""


def _sha(data: bytes) -> bytes:
    return hashlib.sha256(data).digest()


def _fold(hashes: bytes) -> bytes:
    while len(hashes) > 32:
        hashes = b"".join(_sha(b"\1" + hashes[i : i + 64]) for i in range(0, len(hashes), 64))
    return hashes


def _is_signed(key: str, signature: bytes, message: bytes) -> bool:
    try:
        Ed25519PublicKey.from_public_bytes(base64.b64decode(key.split("+", 2)[2])[1:]).verify(signature, message)
    except (InvalidSignature, ValueError, IndexError):
        return False
    return True


class Trust:
    """Whose signatures count, as `log KEY`, `writer KEY`, `witness KEY` and `quorum NUMBER`. Raises Unreadable."""

    def __init__(self, text: str) -> None:
        told = [[*line.partition("#")[0].split(), "", ""][:2] for line in text.splitlines()]
        said = {what: [key for which, key in told if which == what] for what, _ in told if what}
        if said.keys() - {"log", "writer", "witness", "quorum"} or not said.keys() >= {"log", "writer"}:
            raise Unreadable("trust: name at least one log and one writer, and nothing unknown")
        self.writers, self.logs, self.witnesses = set(said["writer"]), said["log"], said.get("witness", [])
        self.quorum = int(said.get("quorum", ["0"])[0])
        self._keys = {(key.split("+")[0], bytes.fromhex(key.split("+")[1])): key for key in self.logs + self.witnesses}
        for key in self.logs:  # a log signs with the time as well (C2SP tlog-cosignature), with the same key
            name, raw = key.split("+")[0], b"\4" + base64.b64decode(key.split("+", 2)[2])[1:]
            self._keys[name, _sha(name.encode() + b"\n" + raw)[:4]] = key

    def checkpoint(self, note: str) -> tuple[str, int, bytes, int, int]:
        """Origin, size, root, time and cosignatures of a checkpoint that the log has signed. Raises ValueError."""
        text, blank, lines = note.rpartition("\n\n")
        signed: dict[str, set[int]] = {}
        for line in lines.removesuffix("\n").split("\n"):
            dash, name, encoded = line.split(" ")
            raw = base64.b64decode(encoded, validate=True)
            if dash != "\N{EM DASH}" or not blank or not lines.endswith("\n"):
                raise ValueError("malformed")
            if (key := self._keys.get((name, raw[:4]))) is None:
                continue  # by whom we do not know: it says nothing
            at, message = 0, f"{text}\n"
            if key in self.witnesses or raw[:4].hex() != key.split("+")[1]:
                at = int.from_bytes(raw[4:12], "big")
                message = f"cosignature/v1\ntime {at}\n{text}\n"
            if not _is_signed(key, raw[4:] if at == 0 else raw[12:], message.encode()):
                raise ValueError(f"the signature of {name} does not verify")
            signed.setdefault(key, set()).add(at)
        by = next((key for key in self.logs if 0 in signed.get(key, ())), None)
        if by is None:
            raise ValueError("no log that is trusted has signed it")
        origin, size, root, *_ = text.split("\n")
        cosigned = len(signed.keys() & set(self.witnesses))
        return origin, int(size), base64.b64decode(root, validate=True), max(signed[by]), cosigned


class _Tree:  # RFC 6962, as the right edge of its tiles and the hashes of those that it has filled
    def __init__(self, size: int, edge: list[str]) -> None:
        self.size, self.edge = size, [bytearray.fromhex(tile) for tile in edge]
        self.full: dict[tuple[int, int], bytes] = {}

    def push(self, leaf: bytes) -> None:
        self.size += 1
        for level in range(9):
            if level == len(self.edge):
                self.edge.append(bytearray())
            self.edge[level] += leaf
            if len(self.edge[level]) < TILE_BYTES:
                return
            tile, self.edge[level] = bytes(self.edge[level]), bytearray()
            self.full[level, (self.size >> 8 * level) // 256 - 1] = _sha(tile)
            leaf = _fold(tile)

    def root(self) -> bytes:
        right = b""
        for tile in map(bytes, self.edge):
            while tile:
                width = len(tile) & -len(tile)
                tile, part = tile[:-width], _fold(tile[-width:])
                right = _sha(b"\1" + part + right) if right else part
        return right or _sha(b"")

    def tiles(self) -> dict[tuple[int, int], bytes]:
        edge = {(at, (self.size >> 8 * at) // 256): _sha(bytes(tile)) for at, tile in enumerate(self.edge) if tile}
        return self.full | edge


class Verifier:
    """Reads the records of an export once, in their order; `findings` are what does not hold, first things first."""

    def __init__(self, trust: Trust, anchors: Iterable[str] = (), state: Record | None = None) -> None:
        empty = {"size": 0, "edge": [], "streams": {}, "calls": {}, "gone": {}, "told": {}, "last": [0, 0, 0]}
        self._s: Record = json.loads(json.dumps(state or empty))
        new: list[Any] = [0, "", "", -1]  # next n, digest and time of the last entry, the last n that was signed
        self._streams = self._s["streams"] = defaultdict(new.copy, self._s["streams"])
        self._trust, self._tree = trust, _Tree(self._s["size"], self._s["edge"])
        self._log, self._tiles, self.state = Record(size=-1), self._tree.tiles(), Record()
        self._span, self._run, self._entries, self._cosigned = ["~", ""], Record(count=0), 0, 0
        self.findings, self.warnings = list[dict[str, str]](), list[dict[str, str]]()
        self._registry, self._heads = dict[str, Record](), dict[tuple[str, int], str]()
        self._want, self._times = dict[int, bytes](), dict[int, int]()
        for anchor in anchors:
            self._anchor(anchor)

    def _must(self, holds: bool, place: str, why: str) -> None:
        if not holds:
            self.findings.append({"place": place, "why": why})

    def _anchor(self, line: str) -> None:
        try:
            told: Record = json.loads(line) if line.startswith("{") else {"journal_checkpoint": line}
            if head := told.get("journal_head"):
                self._heads[str(head["stream"]), int(head["n"])] = head["digest"]
            elif note := told.get("journal_checkpoint"):
                size, root = self._trust.checkpoint(note)[1:3]
                one = self._want.setdefault(size, root) == root
                self._must(one, f"anchor of {size}", "two signed heads of one size differ: the log shows two histories")
        except (ValueError, KeyError, TypeError) as error:
            self.warnings.append({"place": "anchor", "why": f"not to be believed: {error}"})

    def read(self, record: Record) -> None:
        """Take the next record of the export. Raises Unreadable."""
        try:
            match record["t"]:
                case "log":
                    self._log = record
                    if record["from"] != self._tree.size:
                        raise Unreadable(f"it begins at {record['from']}, and {self._tree.size} entries were verified")
                case "stream":
                    self._registry[record["stream"]] = record
                    trusted = record["key"] in self._trust.writers
                    self._must(trusted, f"stream {record['stream']}", "its key is not trusted")
                case "cursor":
                    at_end = record["next_n"] == self.state["streams"].get(record["stream"], [0])[0]
                    self._must(at_end, f"stream {record['stream']}", "its cursor is not at the end of its leaves")
                case "tile":
                    at, digest = (record["level"], record["index"]), _sha(bytes.fromhex(record["hashes"]))
                    self._must(self._tiles.pop(at, None) == digest, f"tile {at}", "its hashes are not those of entries")
                case other:
                    getattr(self, "_on_" + other)(record)
        except (KeyError, TypeError, AttributeError) as error:
            raise Unreadable(f"not a record of an export: {type(error).__name__} {error}") from error

    def _on_checkpoint(self, record: Record) -> None:
        place, before = f"checkpoint {record['id']}", self._s["last"]
        try:
            origin, size, root, at, self._cosigned = self._trust.checkpoint(record["note"])
        except ValueError:
            self._must(False, place, "the log that is trusted has not signed this")
            return
        signed, told = (origin, size, root.hex(), at), (self._log["origin"], *map(record.get, ("size", "root", "at")))
        self._must(signed == told, place, "its columns are not what was signed")
        follows = record["id"] == before[0] + 1 and size >= before[1] and at >= before[2]
        self._must(follows, place, f"it does not follow checkpoint {before[0]}")
        self._must(self._want.setdefault(size, root) == root, place, "outside, this size has another root")
        self._times.setdefault(size, at)
        self._s["last"] = [record["id"], size, at]

    def _on_run(self, record: Record) -> None:
        self._must(self._run["count"] <= 0, f"{self._run.get('stream')}/{self._run.get('n')}", "the entry is missing")
        at = (record["first"], record["n"]) == (self._tree.size, self._streams[record["stream"]][0])
        self._must(at, f"leaf {record['first']}", "it is not where its stream and the tree go on")
        self._run = dict(record)

    def _on_leaf(self, record: Record) -> None:
        stream, n = self._run["stream"], self._run["n"]
        month = self._registry.get(stream, {}).get("month", "2000-01-01")
        self._s["gone"].setdefault(month, [0, f"{stream}/{n}"])[0] += 1
        self._streams[stream][:] = [n + 1, record["digest"], self._streams[stream][2], n]
        self._grow(bytes.fromhex(record["digest"]))

    def _grow(self, digest: bytes) -> None:
        self._run |= {"count": self._run["count"] - 1, "n": self._run["n"] + 1}
        self._tree.push(digest)
        if (size := self._tree.size) in self._want:
            self._must(self._tree.root() == self._want[size], f"leaf {size - 1}", "up to it, the tree is not as signed")
        if size in self._times:
            for at, limit in ((self._span[0], -LAG_S), (self._span[1], SKEW_S)):
                off = datetime.fromisoformat(at).timestamp() - self._times[size] if at[:1] == "2" else 0.0
                if off * limit > limit * limit:
                    self.warnings.append({"place": f"leaf {size - 1}", "why": f"dated {off:.0f} s off its first head"})
            self._span = ["~", ""]

    def _on_entry(self, record: Record) -> None:
        raw, stream, n = record["body"].encode("utf-8", "surrogateescape"), record["stream"], record["n"]
        place, state, digest = f"{stream}/{n}", self._streams[stream], _sha(b"\0" + raw)
        hashed, signed = digest.hex(), record["signature"]
        try:
            parsed = json.loads(raw)
            spelled = json.dumps(parsed, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
            is_canonical = spelled == raw and parsed.keys() == BODY
        except (ValueError, AttributeError):
            parsed, is_canonical = {}, False
        self._must(is_canonical, place, "its bytes are not a canonical entry")
        body: Record = parsed if is_canonical else dict.fromkeys(BODY, "") | {"facts": {}}
        told = [*map(body.get, COLUMNS), body["facts"].get("subject", ""), hashed]
        agrees = [record[name] for name in (*COLUMNS, "subject", "digest")] == told
        self._must(agrees, place, "its columns do not agree with its bytes")
        follows = [n, body["prev"]] == state[:2] and record["at"] >= state[2]
        self._must(follows, place, "it does not follow the entry before it in its stream")
        registered = self._registry.get(stream, {"month": None, "key": "++"})
        opens = n > 0 or body["facts"].get("signed_by") == registered["key"]
        self._must(record["month"] == registered["month"] and opens, place, "its stream is not registered so")
        if signed is not None:
            message = b"snowgate journal batch v1\n" + UUID(stream).bytes + n.to_bytes(8, "big") + digest
            self._must(_is_signed(registered["key"], bytes.fromhex(signed), message), place, "its signature is wrong")
        state[:] = [n + 1, hashed, record["at"], state[3] if signed is None else n]
        if self._heads:
            self._must(self._heads.pop((stream, n), hashed) == hashed, place, "its writer has printed another hash")
        self._entries += 1
        self._span = [min(self._span[0], record["at"]), max(self._span[1], record["at"])]
        self._follow(place, body["stage"], body["call_id"], body)
        if self._run["count"] > 0:
            self._grow(digest)

    def _follow(self, place: str, stage: str, call: str, body: Record) -> None:
        facts, calls = body["facts"], self._s["calls"]
        if stage == "decided":  # after a month has turned, the answer may stand in another stream, and come first
            told, decision = calls.pop(call, "="), str(facts.get("decision"))
            self._must(told[0] == "=" or decision in PERMITS, told[1:], NEVER)
            calls |= {call: f"={decision}"} if told[0] == "=" else {}
        elif stage in ENDS:
            told = calls.pop(call, f"@{place}" if stage == "answered" else "=permit")
            self._must(stage != "answered" or told[0] == "@" or told[1:] in PERMITS, place, NEVER)
            calls |= {call: told} if told[0] == "@" else {}
        elif stage == "retention.drop":
            self._s["told"][facts.get("month")] = [facts.get("entries"), body["at"]]

    def _on_tail(self, _: Record) -> None:
        self._must(self._run["count"] <= 0, f"{self._run.get('stream')}/{self._run.get('n')}", "the entry is missing")
        self._run, edge = Record(count=0), [tile.hex() for tile in self._tree.edge]
        self.state = json.loads(json.dumps(self._s | {"size": self._tree.size, "edge": edge}))
        self._tiles = self._tree.tiles()

    def _on_end(self, _: Record) -> None:
        size, told, signed_for = self._tree.size, self._log["size"], max(self._want, default=0)
        self._must(
            size >= signed_for, f"leaf {size}", f"there are {size} leaves, and a head of {signed_for} was signed"
        )
        self._must(size == told, f"leaf {size}", f"there are {size} leaves, and the database says that it has {told}")
        for stream, (after, _digest, _at, signed) in self._streams.items():
            self._must(signed == after - 1, f"{stream}/{signed + 1}", "no signature of its writer covers it")
        for stream, n in self._heads:
            there = self._streams.get(stream, [0])[0] > n
            self._must(there, f"{stream}/{n}", "its writer has printed it, and it is not there")
        for month, (count, place) in self._s["gone"].items():
            entries, at = self._s["told"].get(month, [-1, "~"])
            due = entries == count and at >= str(date.fromisoformat(month) + KEEP)
            self._must(due, place, f"{count} entries of {month} are gone, and none announces that with good reason")
        early = [told[1:] for told in self._s["calls"].values() if told[0] == "@" and not self._s["gone"]]
        self._must(not early, "".join(early[:1]), NEVER)
        self._must(not self._tiles, f"tile {min(self._tiles, default=0)}", "it is missing")
        enough = self._cosigned >= self._trust.quorum
        self._must(enough, f"checkpoint {self._s['last'][0]}", f"only {self._cosigned} witnesses cosigned the newest")
        self._log = Record(ended=True)

    def report(self) -> Record:
        """What was found. Raises Unreadable if the export has no end."""
        if "ended" not in self._log:
            raise Unreadable("the export is cut off")
        found = {"first": [*self.findings, None][0], "findings": self.findings, "warnings": self.warnings}
        counts = {"entries": self._entries, "leaves": self._tree.size, "open_calls": len(self._s["calls"])}
        return counts | {"ok": not self.findings} | found


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
    options = parser.parse_args()
    try:
        anchors = [text for path in options.anchor for text in texts(path) if '{"journal_' in text or "\n\n" in text]
        state = json.loads(options.state.read_text()) if options.state and options.state.exists() else None
        verifier = Verifier(Trust(options.trust.read_text("utf-8")), anchors, state)
        for line in texts(options.export):
            verifier.read(json.loads(line))
        report = verifier.report()
    except (OSError, ValueError, Unreadable) as error:
        print(f"cannot verify: {error}", file=sys.stderr)
        return 2
    if report["ok"] and options.state:
        options.state.write_text(json.dumps(verifier.state))
    told = [f"{finding['place']}: {finding['why']}" for finding in report["findings"]]
    print(json.dumps(report) if options.json else "\n".join(told) or f"{report['leaves']} entries: everything holds")
    return 0 if report["ok"] else 1


if __name__ == "__main__":
    sys.exit(main())
