"""Vendors' keys and tokens by their published shapes: a fixed beginning, an alphabet and a length.

Vendors give their tokens such beginnings so that scanners can tell them; the list follows what they say of each. A
shape without a fixed beginning is no entry here: in a ticket it could be any number.
"""

import re
from collections.abc import Iterator
from functools import cache
from typing import NamedTuple

import ahocorasick_rs

from pipelines.data.privacy.rule import Span

_HEX, _ALNUM, _WORD, _BASE64 = "0-9a-f", "0-9A-Za-z", "0-9A-Za-z_-", "0-9A-Za-z+/_="


class _Shape(NamedTuple):
    """Tokens of one vendor: one of `heads`, then `low` to `high` characters of `alphabet`, as in a regex."""

    kind: str
    heads: str
    alphabet: str
    low: int
    high: int


_SHAPES = (
    _Shape("adafruit", "aio_", _ALNUM, 28, 28),
    _Shape("adobe", "p8e-", _ALNUM, 32, 32),
    _Shape("age", "AGE-SECRET-KEY-1", "0-9A-Z", 58, 58),
    _Shape("airtable", "pat", "0-9A-Za-z.", 79, 79),
    _Shape("alibaba", "LTAI", _ALNUM, 20, 20),
    _Shape("anthropic", "sk-ant-", _WORD, 32, 200),
    _Shape("artifactory", "AKCp cmVmdGtu", _ALNUM, 51, 80),
    _Shape("atlassian", "ATATT3 ATCTT3 ATBB", "0-9A-Za-z_=-", 24, 260),
    _Shape("aws", "AKIA ASIA ABIA ACCA", "0-9A-Z", 16, 16),
    _Shape("authress", "authress_ scauth_", "0-9A-Za-z+/_=.-", 60, 200),
    _Shape("aws_bedrock", "ABSK", _BASE64, 109, 269),
    _Shape("aws_bedrock", "bedrock-api-key-", _BASE64, 40, 4000),
    _Shape("brevo", "xkeysib- xsmtpsib-", "0-9A-Za-z-", 64, 90),
    _Shape("clickhouse", "4b1d", _ALNUM, 38, 38),
    _Shape("clojars", "CLOJARS_", "0-9a-z", 60, 60),
    _Shape("cloudflare", "v1.0-", "0-9a-f-", 171, 171),
    _Shape("contentful", "CFPAT-", _WORD, 43, 43),
    _Shape("databricks", "dapi", _HEX, 32, 34),
    _Shape("definednetworking", "dnkey-", "0-9A-Za-z_=-", 79, 79),
    _Shape("digitalocean", "dop_v1_ doo_v1_ dor_v1_", _HEX, 64, 64),
    _Shape("docker", "dckr_pat_ dckr_oat_", _WORD, 27, 40),
    _Shape("doppler", "dp.pt. dp.st. dp.ct. dp.sa. dp.scim. dp.audit.", "0-9A-Za-z_.-", 40, 60),
    _Shape("dropbox", "sl.", "0-9A-Za-z_=-", 135, 300),
    _Shape("duffel", "duffel_test_ duffel_live_", "0-9A-Za-z_=-", 43, 43),
    _Shape("dynatrace", "dt0c01. dt0s01. dt0s16.", "0-9A-Z.", 65, 100),
    _Shape("easypost", "EZAK EZTK", _ALNUM, 54, 54),
    _Shape("facebook", "EAA", _ALNUM, 100, 400),
    _Shape("figma", "figd_", _WORD, 38, 50),
    _Shape("flutterwave", "FLWSECK_TEST- FLWSECK- FLWPUBK_TEST- FLWPUBK-", "0-9A-Za-z-", 12, 60),
    _Shape("fly", "fo1_ fm1r_ fm1a_ fm2_", "0-9A-Za-z+/_=-", 43, 800),
    _Shape("frameio", "fio-u-", "0-9A-Za-z_=-", 64, 64),
    _Shape("github", "ghp_ gho_ ghu_ ghs_ ghr_", _ALNUM, 36, 255),
    _Shape("github", "github_pat_", "0-9A-Za-z_", 82, 82),
    _Shape(
        "gitlab",
        "glpat- gldt- glrt- glptt- glcbt- glft- glimt- glagent- gloas- glsoat- glffct- GR1348941",
        "0-9A-Za-z_.-",
        20,
        300,
    ),
    _Shape("gitlab", "_gitlab_session=", "0-9a-z", 32, 32),
    _Shape("google", "AIza", _WORD, 35, 35),
    _Shape("google", "GOCSPX-", _WORD, 28, 28),
    _Shape("google", "ya29.", _WORD, 40, 400),
    _Shape("grafana", "glc_ glsa_", "0-9A-Za-z+/_=", 32, 400),
    _Shape("grafana", "eyJrIjoi", "0-9A-Za-z=", 70, 403),
    _Shape("groq", "gsk_", _ALNUM, 52, 52),
    _Shape("harness", "pat. sat.", "0-9A-Za-z_.-", 68, 68),
    _Shape("hashicorp", "hvs. hvb. hvr.", _WORD, 24, 300),
    _Shape("heroku", "HRKU-", _WORD, 36, 60),
    _Shape("hubspot", "pat-na1- pat-eu1-", "0-9a-f-", 36, 36),
    _Shape("huggingface", "hf_ api_org_", "A-Za-z", 34, 34),
    _Shape("infracost", "ico-", _ALNUM, 32, 32),
    _Shape("intra42", "s-s4t2ud- s-s4t2af-", _HEX, 64, 64),
    _Shape("langsmith", "lsv2_pt_ lsv2_sk_", "0-9a-f_", 40, 50),
    _Shape("linear", "lin_api_ lin_oauth_", _ALNUM, 40, 64),
    _Shape("lob", "live_pub_ test_pub_", _HEX, 31, 31),
    _Shape("mailgun", "pubkey- key-", _HEX, 32, 32),
    _Shape("mapbox", "sk.eyJ pk.eyJ tk.eyJ", "0-9A-Za-z_.-", 40, 300),
    _Shape("newrelic", "NRAK- NRII- NRJS- NRRA- NRIQ- NRAA-", _WORD, 19, 60),
    _Shape("notion", "ntn_ secret_", _ALNUM, 43, 50),
    _Shape("npm", "npm_", _ALNUM, 36, 36),
    _Shape("nuget", "oy2", "0-9a-z", 43, 43),
    _Shape("octopus", "API-", "0-9A-Z", 26, 26),
    _Shape("onepassword", "ops_eyJ A3-", "0-9A-Za-z+/_=-", 30, 1200),
    _Shape("openai", "sk-proj- sk-svcacct- sk-admin-", _WORD, 40, 220),
    _Shape("openai", "sk-", _ALNUM, 48, 60),
    _Shape("openrouter", "sk-or-v1-", _HEX, 64, 64),
    _Shape("openshift", "sha256~", _WORD, 43, 43),
    _Shape("perplexity", "pplx-", _ALNUM, 48, 48),
    _Shape("pinecone", "pcsk_", "0-9A-Za-z_", 60, 80),
    _Shape("plaid", "access-sandbox- access-development- access-production-", "0-9a-f-", 36, 36),
    _Shape("planetscale", "pscale_tkn_ pscale_pw_ pscale_oauth_", "0-9A-Za-z_.=-", 32, 64),
    _Shape("postman", "PMAK-", "0-9a-f-", 59, 59),
    _Shape("prefect", "pnu_ pnb_", _ALNUM, 36, 36),
    _Shape("pulumi", "pul-", _HEX, 40, 40),
    _Shape("pypi", "pypi-AgE", _WORD, 50, 400),
    _Shape("readme", "rdme_", "0-9a-z", 70, 70),
    _Shape("replicate", "r8_", _ALNUM, 37, 37),
    _Shape("resend", "re_", "0-9A-Za-z_", 30, 40),
    _Shape("rubygems", "rubygems_", _HEX, 48, 48),
    _Shape("scalingo", "tk-us-", _WORD, 48, 48),
    _Shape("sendgrid", "SG.", "0-9A-Za-z_.-", 60, 70),
    _Shape("sentry", "sntrys_ sntryu_", "0-9A-Za-z+/_=", 60, 400),
    _Shape("settlemint", "sm_aat_ sm_pat_ sm_sat_", _ALNUM, 16, 16),
    _Shape("shippo", "shippo_live_ shippo_test_", _HEX, 40, 40),
    _Shape("shopify", "shpat_ shpss_ shpca_ shppa_", "0-9A-Fa-f", 32, 32),
    _Shape("slack", "xoxb- xoxp- xoxa- xoxr- xoxs- xoxo- xoxe- xoxe. xapp-", "0-9A-Za-z.-", 10, 300),
    _Shape(
        "slack", "hooks.slack.com/services/ hooks.slack.com/workflows/ hooks.slack.com/triggers/", "0-9A-Za-z+/", 40, 60
    ),
    _Shape("sonar", "sqp_ squ_ sqa_", _HEX, 40, 40),
    _Shape("sourcegraph", "sgp_", "0-9A-Za-z_", 40, 64),
    _Shape("square", "sq0atp- sq0csp- sq0idp-", _WORD, 22, 60),
    _Shape("square", "EAAA", _WORD, 22, 60),
    _Shape("stripe", "sk_prod_ rk_prod_ sk_live_ sk_test_ rk_live_ rk_test_ whsec_", _ALNUM, 10, 250),
    _Shape("supabase", "sbp_ sb_secret_", "0-9A-Za-z_", 31, 60),
    _Shape("tailscale", "tskey-", "0-9A-Za-z-", 20, 80),
    _Shape("twilio", "SK AC", _HEX, 32, 32),
    _Shape("typeform", "tfp_", "0-9A-Za-z_.=-", 44, 70),
    _Shape("vercel", "vcp_ vci_ vca_ vcr_ vck_", _ALNUM, 24, 60),
    _Shape("xai", "xai-", _ALNUM, 70, 90),
    _Shape("yandex", "AQVN", _WORD, 35, 38),
    _Shape("zapier", "hooks.zapier.com/hooks/catch/", "0-9a-z/", 12, 40),
)


# In characters without space.
SHORTEST_TOKEN = min(len(head) + shape.low for shape in _SHAPES for head in shape.heads.split())


def find_tokens(text: str) -> Iterator[Span]:
    """The tokens in `text`, each with its vendor in small letters as its kind."""
    heads, patterns = _compiled()
    tried = {patterns[place] for place, _, _ in heads.find_matches_as_indexes(text, overlapping=True)}
    for kind, pattern in sorted(tried):
        for match in re.finditer(pattern, text):
            yield Span(match.start(), match.end(), kind)


@cache
def _compiled() -> tuple[ahocorasick_rs.AhoCorasick, tuple[tuple[str, str], ...]]:
    """All heads, searched for at once, and for each the vendor and the pattern that it begins."""
    heads, patterns = [], []
    for shape in _SHAPES:
        for head in shape.heads.split():
            body = f"[{shape.alphabet}]{{{shape.low},{shape.high}}}"
            heads.append(head)
            patterns.append((f"{shape.kind}_token", rf"(?<![0-9A-Za-z_]){re.escape(head)}{body}(?![0-9A-Za-z])"))
    return ahocorasick_rs.AhoCorasick(heads), tuple(patterns)
