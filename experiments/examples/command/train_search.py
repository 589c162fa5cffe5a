import json
import random
import sys
from pathlib import Path

args = dict(zip(sys.argv[1::2], sys.argv[2::2], strict=True))
random.seed(int(args["--seed"]))
points = [(x, 3 * x - 1 + random.gauss(0, 0.5)) for x in map(random.gauss, [0] * 3000, [1] * 3000)]
slope = shift = 0.0
for x, y in points[:20] * int(args["--epochs"]):
    step = float(args["--learning_rate"]) * (slope * x + shift - y)
    slope, shift = slope - step * x, shift - step
far = [abs(slope * x + shift - y) > 1 for x, y in points]
errors = {"validation_error": sum(far[1000:2000]) / 1000, "test_error": sum(far[2000:]) / 1000}
Path(args["--save"], "result.json").write_text(json.dumps(errors))
