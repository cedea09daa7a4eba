"""What people read of the variants."""

from pipelines.scoring.variants import BASE_VARIANTS, described, variant_name


def test_variants_have_names_for_people():
    names = [variant_name(variant) for variant in (*BASE_VARIANTS, "tuned", "champion")]
    assert names == ["base", "base (few-shot)", "base (constrained)", "tuned", "champion"]


def test_every_variant_is_told_in_a_sentence():
    sentences = [described(variant) for variant in (*BASE_VARIANTS, "tuned")]
    sentences.append(described("tuned", constrained=True))
    assert len(set(sentences)) == 5
    assert all(sentence.endswith(".") and sentence.count(".") == 1 for sentence in sentences)
