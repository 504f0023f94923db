"""``python -m stsun``: the command line."""

from stsun.cli import main

if __name__ == "__main__":
    main()
