"""`python -m threadkeep`: the same as the `threadkeep` command."""

from threadkeep.cli.app import main

if __name__ == "__main__":
    main()
