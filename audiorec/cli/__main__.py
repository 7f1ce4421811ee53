"""``python -m audiorec.cli``."""

from audiorec.cli import main

main()
