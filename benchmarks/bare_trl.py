"""What a user writes from trl's documentation: SFTTrainer on an NF4 base with LoRA. The yardstick of train_vs_trl.

    python -m benchmarks.bare_trl BASE_FOLDER TRAIN.parquet SETTINGS.json OUT_FOLDER

SETTINGS.json is a recipe's train section with every default; OUT_FOLDER gets the adapter and result.json.
"""

import json
import sys
from pathlib import Path

import torch
from datasets import load_dataset
from peft import LoraConfig
from transformers import AutoModelForCausalLM, AutoTokenizer, BitsAndBytesConfig
from trl import SFTConfig, SFTTrainer


def main(base: str, train: str, settings_file: str, out: str) -> None:
    """Train and write `out`/result.json {seconds, tokens, steps, losses}; seconds are those of `trainer.train()`."""
    settings = json.loads(Path(settings_file).read_text())

    rows = load_dataset("parquet", data_files=train, split="train")
    dataset = rows.map(
        lambda row: {"completion": [{"role": "assistant", "content": row["answer"]}]}, remove_columns=["answer"]
    ).select_columns(["prompt", "completion"])

    model = AutoModelForCausalLM.from_pretrained(
        base,
        quantization_config=BitsAndBytesConfig(
            load_in_4bit=True,
            bnb_4bit_quant_type="nf4",
            bnb_4bit_use_double_quant=True,
            bnb_4bit_compute_dtype=torch.bfloat16,
        ),
        dtype=torch.bfloat16,
    )
    lora = settings["lora"]
    trainer = SFTTrainer(
        model=model,
        args=SFTConfig(
            output_dir=out,
            num_train_epochs=settings["epochs"],
            max_steps=settings["max_steps"] or -1,
            learning_rate=settings["learning_rate"],
            warmup_steps=settings["warmup"],
            lr_scheduler_type="cosine",
            per_device_train_batch_size=settings["batch_size"],
            gradient_accumulation_steps=settings["gradient_accumulation"],
            # trl's default recomputes every activation, which a model of this size need not.
            gradient_checkpointing=False,
            max_length=settings["max_length"],
            packing=settings["packing"],
            seed=settings["seed"],
            bf16=True,
            use_cpu=not torch.cuda.is_available(),
            logging_steps=1,
            save_strategy="no",
            include_num_input_tokens_seen="all",
            report_to="none",
        ),
        train_dataset=dataset,
        processing_class=AutoTokenizer.from_pretrained(base),
        peft_config=LoraConfig(
            r=lora["r"],
            lora_alpha=lora["alpha"],
            lora_dropout=lora["dropout"],
            target_modules=lora["targets"],
            task_type="CAUSAL_LM",
        ),
    )
    seconds = trainer.train().metrics["train_runtime"]
    trainer.save_model(out)

    result = {
        "seconds": seconds,
        "tokens": int(trainer.state.num_input_tokens_seen),
        "steps": trainer.state.global_step,
        "losses": [entry["loss"] for entry in trainer.state.log_history if "loss" in entry],
    }
    (Path(out) / "result.json").write_text(json.dumps(result))


if __name__ == "__main__":
    main(*sys.argv[1:])
