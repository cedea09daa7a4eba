"""Every vendor's shape, met in a sentence; the tokens are drawn, so that none stands in this file."""

import random
import re

import pytest

from pipelines.data.privacy.detector import Detector
from pipelines.data.privacy.screen import mask
from pipelines.data.privacy.secret_rules import _UNSHAPED
from pipelines.data.privacy.token_shapes import _SHAPES, find_tokens

CHARACTERS = {
    letter
    for letters in ("abcdefghijklmnopqrstuvwxyz", "ABCDEFGHIJKLMNOPQRSTUVWXYZ", "0123456789")
    for letter in letters
}


def drawn(shape, head):
    """A token of the shape, of letters and digits that its alphabet allows."""
    allowed = sorted(letter for letter in CHARACTERS if re.match(f"[{shape.alphabet}]", letter))
    chance = random.Random(head)
    return head + "".join(chance.choice(allowed) for _ in range(shape.low))


@pytest.mark.parametrize("shape", _SHAPES, ids=lambda shape: f"{shape.kind}-{shape.heads.split()[0]}")
def test_a_token_is_found_whole_and_masked(shape):
    for head in shape.heads.split():
        token = drawn(shape, head)
        text = f"My key is ({token}), please help"
        assert (text.index(token), text.index(token) + len(token)) in {(s.start, s.end) for s in find_tokens(text)}
        assert token not in mask(text, Detector())[0]


def test_words_and_numbers_that_begin_alike_are_no_tokens():
    text = "The SKU SK12 and API-error in hf_models, patience, key-value and sk-learn; re_read AC 12."
    assert list(find_tokens(text)) == []


# The services of gitleaks' default rules (MIT, config/gitleaks.toml of July 2026).
SERVICES = [
    "1password", "adafruit", "adobe", "age", "airtable", "algolia", "alibaba", "anthropic", "artifactory",
    "asana", "atlassian", "authress", "aws", "azure", "beamer", "bitbucket", "bittrex", "cisco-meraki",
    "clickhouse", "clojars", "cloudflare", "codecov", "cohere", "coinbase", "confluent", "contentful", "curl",
    "databricks", "datadog", "defined-networking", "digitalocean", "discord", "doppler", "droneci", "dropbox",
    "duffel", "dynatrace", "easypost", "etsy", "facebook", "fastly", "finicity", "finnhub", "flickr",
    "flutterwave", "flyio", "frameio", "freemius", "freshbooks", "gcp", "github", "gitlab", "gitter",
    "gocardless", "grafana", "harness", "hashicorp", "heroku", "hubspot", "huggingface", "infracost", "intercom",
    "intra42", "jfrog", "jwt", "kraken", "kucoin", "launchdarkly", "linear", "linkedin", "lob", "looker",
    "mailchimp", "mailgun", "mapbox", "mattermost", "maxmind", "messagebird", "microsoft-teams", "netlify",
    "new-relic", "notion", "npm", "nuget", "nytimes", "octopus", "okta", "openai", "openshift", "perplexity",
    "plaid", "planetscale", "postman", "prefect", "private-key", "privateai", "pulumi", "pypi", "rapidapi",
    "readme", "rubygems", "scalingo", "sendbird", "sendgrid", "sendinblue", "sentry", "settlemint", "shippo",
    "shopify", "sidekiq", "slack", "snyk", "sonar", "sourcegraph", "square", "squarespace", "stripe", "sumologic",
    "telegram", "travisci", "twilio", "twitch", "twitter", "typeform", "vault", "yandex", "zendesk",
]  # fmt: skip
# Their names here, where they differ.
OURS = {
    "1password": "onepassword", "cisco-meraki": "meraki", "defined-networking": "definednetworking", "flyio": "fly",
    "gcp": "google", "new-relic": "newrelic", "sendinblue": "brevo", "sumologic": "sumo", "travisci": "travis",
    "vault": "hashicorp",
}  # fmt: skip
# By a rule of their own, with what it must find.
BY_RULE = {
    "azure": "abc1Q~" + "a1B2" * 8,
    "curl": 'curl -H "Authorization: Basic YWRhOnBhc3N3b3Jk" and curl -u ada:hunter2pass',
    "hashicorp": "a1B2c3D4e5F6g7.atlasv1." + "a1B2" * 15,
    "jwt": "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.abc",
    "mailchimp": "0123456789abcdef" * 2 + "-us12",
    "maxmind": "a1B2c3_" + "a1B2c" * 5 + "a1B2_mmk",
    "microsoft-teams": "https://contoso.webhook.office.com/webhookb2/" + "0a1b2c3d" * 10,
    "nuget": '<add key="ClearTextPassword" value="correct-horse" />',
    "private-key": "-----BEGIN PRIVATE KEY-----",
    "telegram": "123456789:A" + "Ab1_" * 8 + "xy",
}
# Whole files of a kind (pkcs12), base64 within base64 of a JWT, and Kubernetes' Secret in YAML have no counterpart.


@pytest.mark.parametrize("service", SERVICES)
def test_what_gitleaks_looks_for_by_default_is_looked_for(service):
    name = OURS.get(service, service)
    assert name in {shape.kind for shape in _SHAPES} or name in _UNSHAPED or service in BY_RULE


@pytest.mark.parametrize("text", BY_RULE.values(), ids=BY_RULE)
def test_a_secret_that_a_mark_or_its_place_tells_is_found(text):
    spans = Detector().find(f"see {text} here")
    assert spans
    assert all(span.secret for span in spans)


@pytest.mark.parametrize("service", _UNSHAPED)
@pytest.mark.parametrize("value", ["f47ac10b-58cc-4372-a567-0e02b2c3d479", "a8f5f167f44f4964e6c998"])
def test_a_key_without_a_shape_is_known_by_the_service_that_it_is_assigned_to(service, value):
    assert mask(f'{service.upper()}_API_TOKEN="{value}"', Detector())[0] == f'{service.upper()}_API_TOKEN="[SECRET]"'


@pytest.mark.parametrize("text", [
    "facebook: I wrote to them on Monday", "Twitter = bad service", "my linkedin profile is up to date since 2019",
    "the secret:\nwe never told anyone", "Password:\n\nplease reset it", "curl my hair -u see",
    "square 12 and sumo 2020",
])  # fmt: skip
def test_services_in_prose_are_no_secrets(text):
    assert not any(span.secret for span in Detector().find(text))
