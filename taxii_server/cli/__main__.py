"""``python -m taxii_server.cli``."""

from taxii_server.cli import main

main()
