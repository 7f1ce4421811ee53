"""``python -m audiorec``."""

from audiorec.cli import main

if __name__ == "__main__":
    main()
