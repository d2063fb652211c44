"""`snowgate evidence`: a zip for an auditor, who has to believe neither us nor the database."""

import csv
import hashlib
import inspect
import io
import json
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated, Any

import anyio
import typer
from rich.console import Console

import audit.verify
from audit.checkpoint import Checkpoint
from audit.export import records, write_export
from audit.proofs import EntryProof, Unproven, prove
from audit.subject_keys import learn_keys
from audit.verify import Trust, Verifier, texts
from server.cli.journal_proofs import journaling
from server.cli.journal_replays import From, To, between
from server.cli.terminal import EnvFile, failing_cleanly
from server.config import Settings, SettingsError, load
from server.evidence import CONTROLS, Item, Population, gather, opened, sample, seed_of
from server.evidence_report import Plots, as_html, as_pdf, facts_of
from server.journal_keys import log_key_of, sealer_of, signer_of, trust_of

HOLDS = "everything holds"

README = """Evidence from the journal of snowgate

1. Is it authentic? Have the public keys from somebody you trust, not from this zip, and compare them with trust.txt.
   Then, with Python 3.11 and `pip install cryptography`:

       python verify.py journal.jsonl.gz --trust trust.txt --anchor checkpoints

   It ends with 0 and "everything holds", or names the first entry that does not. Lines that the gates printed, kept in
   your SIEM, can be given with another --anchor.
2. Is it complete? report.html, "Is it all?": each entry of the tree is counted in exactly one place. population.csv has
   the number of each entry's leaf.
3. Is the sample fair? Item k is number HMAC-SHA256(root + nonce, k) mod N of population.csv. The root is that of the
   first note of checkpoints/ whose log has signed it when the time that you asked for was over; manifest.json names it
   under "sample". The nonce is yours: give it after that time, or packs could be made until one pleases. If "is_final"
   is false, the time was not over, and the next pack has another sample.
4. Each item of the sample is in items/ as JSON, with a C2SP tlog-proof beside it.
5. manifest.json has the SHA-256 of every file, and manifest.note a signature over it.
"""


@dataclass(frozen=True, slots=True)
class Asked:
    """What the pack is to be about."""

    start: datetime
    end: datetime
    controls: tuple[str, ...]
    nonce: str
    opens: bool


def evidence(
    to: Annotated[Path, typer.Argument(help="Where to: a name that ends with .zip.")],
    nonce: Annotated[str, typer.Option(help="What the auditor gives, so that nobody here could choose the sample.")],
    env_file: EnvFile = None,
    start: From = None,
    end: To = None,
    control: Annotated[str, typer.Option(help="Controls, separated by commas; without it, all.")] = ",".join(CONTROLS),
    open_sealed: Annotated[bool, typer.Option("--open", help="Open what is encrypted in the items.")] = False,
) -> None:
    """Write the evidence pack: population, sample, items with proofs, exceptions, the verifier and a report."""
    with failing_cleanly():
        settings = load(env_file)
        controls = tuple(each.strip() for each in control.split(",") if each.strip())
        for unknown in set(controls) - set(CONTROLS):
            raise SettingsError(f"the control `{unknown}` is not mapped", f"there are {', '.join(CONTROLS)}")
        if not nonce.strip():
            raise SettingsError(
                "the nonce is empty", "have the auditor give one, so that nobody here can know it before"
            )
        asked = Asked(*between(start, end), controls, nonce, open_sealed)
        told, verdict = anyio.run(_make, settings, asked, to)
    Console(stderr=True).print(f"{len(told.items)} entries in the population; the verifier says: {verdict[0]}")
    raise typer.Exit(0 if verdict[0] == HOLDS and told.adds_up else 1)


async def _make(settings: Settings, asked: Asked, to: Path) -> tuple[Population, list[str]]:
    with TemporaryDirectory() as directory:
        export = Path(directory) / "journal.jsonl.gz"
        async with journaling(settings, settings.auditor_url) as (engine, journal):
            await journal.append("", "export.made", {"outcome": "evidence", "matter": " ".join(asked.controls)})
            await write_export(export, records(engine, settings.journal_origin))
            told, checkpoints = gather(map(json.loads, texts(export)), asked.start, asked.end, asked.controls)
            if not checkpoints:
                raise SettingsError("no head is signed yet", "see that a gate with SNOWGATE_JOURNAL_LOG_KEY_FILE runs")
            seed, is_final = seed_of(checkpoints, asked.end)
            root = Checkpoint.parse(seed["note"]).root
            chosen = sample(told.items, root, asked.nonce)
            entries = [item.entry for item in chosen]
            proofs = await prove(engine, log_key_of(settings), entries)
            sealer = sealer_of(settings) if asked.opens else None
            if sealer is not None:
                await learn_keys(engine, sealer, (entry.facts for entry in entries))
        verdict = _verdict(settings, export, checkpoints, proofs)
        drawn = {"size": len(chosen), "head": seed["id"], "root": root.hex(), "is_final": is_final}
        manifest = _manifest(asked, told, checkpoints[-1], drawn)
        facts, plots = facts_of(told, manifest, chosen, verdict), Plots(told)
        parts: dict[str, bytes] = {
            "journal.jsonl.gz": export.read_bytes(),
            "trust.txt": trust_of(settings).encode(),
            "policy.txt": _tlog_policy(settings).encode(),
            "verify.py": inspect.getsource(audit.verify).encode(),
            "verify.txt": "\n".join([*verdict, ""]).encode(),
            "README.txt": README.encode(),
            "population.csv": _csv([item.row() for item in told.items]),
            "sample.csv": _csv([item.row() for item in chosen]),
            "exceptions.csv": _csv(told.exceptions),
            "controls.csv": _csv([{"control": name, "asks": CONTROLS[name][0], "stages": " ".join(CONTROLS[name][1])}
                                  for name in asked.controls]),
            "report.html": as_html(facts, plots).encode(),
            "report.pdf": as_pdf(facts, plots),
        }  # fmt: skip
        parts |= {f"checkpoints/{each['id']:010d}.note": each["note"].encode() for each in checkpoints}
        for item in chosen:
            parts |= _item(item, opened(item.entry, sealer), proofs[item.entry.place])
        _write(settings, to, manifest, parts)
    return told, verdict


def _manifest(asked: Asked, told: Population, newest: Mapping[str, Any], drawn: Mapping[str, Any]) -> dict[str, Any]:
    head = Checkpoint.parse(newest["note"])
    return {
        "what": "snowgate evidence, version 1",
        "version": version("snowgate"),
        "made_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "from": asked.start.isoformat(),
        "to": asked.end.isoformat(),
        "controls": list(asked.controls),
        "nonce": asked.nonce,
        "origin": head.origin,
        "size": head.size,
        "root": head.root.hex(),
        "signed_at": datetime.fromtimestamp(newest["at"], UTC).isoformat(timespec="seconds"),
        "counts": told.counts(),
        "sample": {**drawn, "rule": "number k is HMAC-SHA256(root + nonce, k) mod N, once each"},
        "exceptions": len(told.exceptions),
    }


def _verdict(
    settings: Settings,
    export: Path,
    checkpoints: Sequence[Mapping[str, Any]],
    proofs: Mapping[str, EntryProof | Unproven],
) -> list[str]:
    """What does not hold first, or that everything does; and then what the verifier warns of."""
    verifier = Verifier(Trust(trust_of(settings)), [each["note"] for each in checkpoints])
    for line in texts(export):
        verifier.read(json.loads(line))
    unproven = [{"place": place, "why": proof.why} for place, proof in proofs.items() if isinstance(proof, Unproven)]
    first = [f"{each['place']}: {each['why']}" for each in (*verifier.report["findings"], *unproven)][:1]
    warnings = [f"warning: {each['place']}: {each['why']}" for each in verifier.report["warnings"]]
    return [*(first or [HOLDS]), *warnings]


def _item(item: Item, facts: Mapping[str, Any], proof: object) -> dict[str, bytes]:
    entry = item.entry
    told = {"leaf": item.leaf, "place": entry.place, "at": entry.at.isoformat(), "stage": entry.stage}
    told |= {"call_id": entry.call_id, "prev": entry.prev, "facts": dict(facts)}
    name = f"items/{item.leaf:010d}"
    parts = {f"{name}.json": json.dumps(told, indent=2).encode(), f"{name}.body": entry.body()}
    return parts | ({f"{name}.tlog-proof": str(proof).encode()} if isinstance(proof, EntryProof) else {})


def _tlog_policy(settings: Settings) -> str:
    """Whose signatures count, as C2SP tlog-policy writes it."""
    witnesses = [told.partition(" ")[0] for told in settings.journal_witnesses]
    lines = [f"log {log_key_of(settings)}", *(f"witness w{n} {key}" for n, key in enumerate(witnesses, 1))]
    if witnesses:
        lines.append(f"group all {len(witnesses)} {' '.join(f'w{n}' for n in range(1, len(witnesses) + 1))}")
    return "\n".join([*lines, f"quorum {'all' if witnesses else 'none'}", ""])


def _csv(rows: Sequence[Mapping[str, Any]]) -> bytes:
    """Rows with a header; no cell begins as a formula would, which a spreadsheet would run."""
    out = io.StringIO()
    if rows:
        writer = csv.DictWriter(out, list(rows[0]))
        writer.writeheader()
        writer.writerows({name: _cell(value) for name, value in row.items()} for row in rows)
    return out.getvalue().encode()


def _cell(value: object) -> object:
    return f"'{value}" if isinstance(value, str) and value[:1] in ("=", "+", "-", "@", "\t", "\r") else value


def _write(settings: Settings, to: Path, manifest: dict[str, Any], parts: Mapping[str, bytes]) -> None:
    manifest["files"] = {name: hashlib.sha256(data).hexdigest() for name, data in parts.items()}
    spelled = json.dumps(manifest, indent=2, sort_keys=True).encode()
    note = signer_of(settings).note(f"snowgate evidence v1\n{hashlib.sha256(spelled).hexdigest()}\n")
    with zipfile.ZipFile(to, "w", zipfile.ZIP_DEFLATED) as pack:
        for name, data in {**parts, "manifest.json": spelled, "manifest.note": note.encode()}.items():
            pack.writestr(name, data)
