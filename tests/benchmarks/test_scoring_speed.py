from benchmarks.scoring_speed import banking_prompts, report


def side(seconds: float, *answers: str) -> dict:
    return {"seconds": seconds, "answers": list(answers)}


def test_ours_is_compared_with_the_peers_best():
    found = {
        "ours, F16": side(2, "a", "b"),
        "ours, Q8_0": side(1, "a", "b"),
        "ours, Q4_K_M": side(0.5, "a", "x"),
        "lm-eval, float32, batches of 1": side(10, "a", "b"),
        "lm-eval, bfloat16, batches of 8": side(8, " a", "y"),
    }
    said = report(found, 2)
    assert "| ours, Q4_K_M | 2 | 0.5 | 4.00 | 50% |" in said
    assert said.endswith("lm-eval's best: F16 4.0, Q8_0 8.0, Q4_K_M 16.0; the goal is 3.")


def test_questions_share_their_instructions(tmp_path):
    (tmp_path / "banking77").mkdir()
    lines = ['{"text": "Where is it?", "label": "lost"}', '{"text": "How much?", "label": "fee"}']
    (tmp_path / "banking77" / "test.jsonl").write_text("\n".join(lines))
    (first,) = banking_prompts(tmp_path, 1)
    assert first[0]["content"].endswith("- fee\n- lost")
    assert first[1]["content"] == "Where is it?"
