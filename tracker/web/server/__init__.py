"""What knows the insides of the HTTP server, and the two ways to answer.

No route lives here.
"""

import sys
from types import ModuleType

#: HTTP/2 is never spoken here (serving.py), and what would read it is a twentieth of a start: nothing stands in for it
_http2 = ModuleType("hypercorn.protocol.h2")
_http2.H2Protocol = None  # type: ignore[attr-defined]
sys.modules.setdefault(_http2.__name__, _http2)
