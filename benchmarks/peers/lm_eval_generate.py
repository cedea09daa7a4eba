"""lm-evaluation-harness's HF backend, in an environment of its own. Arguments: model folder, job (JSON), result (JSON).

The job has `prompts` (chats as the template renders them), `max_tokens`, `batch_size` and `dtype`.
"""

import json
import sys
import time
from pathlib import Path

from lm_eval.api.instance import Instance
from lm_eval.models.huggingface import HFLM

if __name__ == "__main__":
    model, job, target = map(Path, sys.argv[1:])
    asked = json.loads(job.read_text())
    lm = HFLM(pretrained=str(model), device="cpu", dtype=asked["dtype"], batch_size=asked["batch_size"])
    # Nothing but the end of turn stops an answer, which is what llama-server is asked.
    greedy = {"until": [], "do_sample": False, "max_gen_toks": asked["max_tokens"]}
    requests = [
        Instance("generate_until", {}, (prompt, greedy), number) for number, prompt in enumerate(asked["prompts"])
    ]
    lm.generate_until(requests[:1], disable_tqdm=True)
    started = time.perf_counter()
    answers = lm.generate_until(requests, disable_tqdm=True)
    target.write_text(json.dumps({"seconds": time.perf_counter() - started, "answers": answers}))
