"""`python -m tests.mcpb [FILE]`: pack the .mcpb bundle, by default dist/snowgate.mcpb."""

import sys
import tempfile
from pathlib import Path

from tests.mcpb.bundle import pack

with tempfile.TemporaryDirectory() as staging:
    out = Path(sys.argv[1] if len(sys.argv) > 1 else "dist/snowgate.mcpb")
    pack(out, Path(staging))
    sys.stdout.write(f"{out}: {out.stat().st_size} bytes\n")
