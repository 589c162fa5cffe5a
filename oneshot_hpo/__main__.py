"""`python -m oneshot_hpo` is the command line."""

from oneshot_hpo.experiments.cli import main

if __name__ == "__main__":
    main()
