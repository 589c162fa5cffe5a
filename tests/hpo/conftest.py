import sys
from pathlib import Path

# toy_study is also run as a script, in processes that get killed.
sys.path.insert(0, str(Path(__file__).parent))
