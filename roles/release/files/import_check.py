"""Import an application and the server that will run it: python import_check.py MODULE:NAME SERVER."""

import importlib
import sys

module, _colon, name = sys.argv[1].partition(":")
importlib.import_module(sys.argv[2])
application = importlib.import_module(module)
# The server resolves an expression such as create_app() itself.
wanted = name.split("(")[0] or "application"
if not hasattr(application, wanted):
    sys.exit(f"module {module} has no {wanted}")
