"""Is the web server of this container alive?  python -m config.probe [/readyz]

Asks the monitoring listener where there is one. Exit code 0: yes. It needs no curl in the image.
"""

import http.client
import os
import sys


def main(path: str = "/healthz") -> int:
    port = int(os.environ.get("MONITORING_PORT") or 0) or int(os.environ.get("PORT") or 8000)
    wire = http.client.HTTPConnection("127.0.0.1", port, timeout=4)
    try:
        wire.request("GET", path)
        return 0 if wire.getresponse().status == http.client.OK else 1
    except (OSError, http.client.HTTPException):
        return 1
    finally:
        wire.close()


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:2]))
