"""`python -m hymio` is the command `hymio`."""

from hymio.cli import main

if __name__ == "__main__":
    main()
