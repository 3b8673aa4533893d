"""``python -m drydock``: the same as the command ``drydock``, also from a checkout where nothing is installed."""

from drydock.harness.cli.main import main

if __name__ == "__main__":
    main()
