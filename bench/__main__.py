"""`make bench`: the statements of each operation; with arguments, load on a running portal as well."""

import subprocess
import sys

from bench import load

if __name__ == "__main__":
    # In a process of its own: it makes and drops a database.
    status = subprocess.run([sys.executable, "-m", "bench.statements"], check=False).returncode
    if sys.argv[1:]:
        status = load.main(sys.argv[1:]) or status
    sys.exit(status)
