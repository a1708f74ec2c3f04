"""``python -m intr_discover`` and ``accelerate launch -m intr_discover``: the command line."""

from intr_discover.cli import main

if __name__ == "__main__":
    main()
