"""Rules for keys and passwords that have no vendor's shape: key blocks, userinfo in URLs, prose, assignments.

Every pattern is anchored so that its time grows with the text's length, not its square.
"""

import re

from pipelines.data.privacy.checks import entropy
from pipelines.data.privacy.rule import NO_MASK, Rule

_MIXED = re.compile(r"(?=[^A-Za-z]*[A-Za-z])(?=[^0-9]*[0-9])")
_HEX = re.compile(r"[0-9a-fA-F]+")
# Words and short numbers, as in transfer_funds_between_accounts_7291.
_IDENTIFIER = re.compile(r"[A-Za-z]{2,}(?:[_-](?:[A-Za-z]+|[0-9]{1,6}))+")
_UUID_TEXT = "[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
_UUID = re.compile(_UUID_TEXT, re.I)
_TELLING = re.compile(r"\d|[^\w'\-/.]|(?<=[a-z])[A-Z]")
_NO_VALUES = {"none", "null", "true", "false", "undefined", "changeme", "required", "optional", "string"}


def _password(text: str) -> int:
    # Without a digit, sign or inner capital, "my password is wrong" would be one.
    core = text.rstrip(".!?)")
    return len(core) if len(core) >= 4 and core[-1] != ":" and _TELLING.search(core) else 0


def _assigned_password(text: str) -> int:
    core = text.rstrip(".!?)")
    return len(core) if len(core) >= 4 and core.lower() not in _NO_VALUES else 0


def _random_key(text: str) -> int:
    return len(text) if _MIXED.match(text) and entropy(text) >= 3.0 else 0


def _random_value(text: str) -> int:
    """A value that no word is: hex above 3 bits a character, else above 3.7; detect-secrets uses 3 and 4.5."""
    if not _MIXED.match(text) or _UUID.fullmatch(text) or _IDENTIFIER.fullmatch(text):
        return 0
    return len(text) if entropy(text) >= (3.0 if _HEX.fullmatch(text) else 3.7) else 0


# Whose keys have no shape that tells them: they are known by the name that they are assigned to.
_UNSHAPED = (
    "adafruit", "adobe", "airtable", "algolia", "alibaba", "asana", "atlassian", "beamer", "bitbucket", "bittrex",
    "cloudflare", "codecov", "cohere", "coinbase", "confluence", "confluent", "contentful", "datadog", "discord",
    "droneci", "dropbox", "etsy", "facebook", "fastly", "finicity", "finnhub", "flickr", "freemius", "freshbooks",
    "gitter", "gocardless", "heroku", "hubspot", "intercom", "jfrog", "jira", "kraken", "kucoin", "launchdarkly",
    "linear", "linkedin", "looker", "mailchimp", "mailgun", "mapbox", "mattermost", "meraki", "messagebird", "netlify",
    "newrelic", "new_relic", "nytimes", "okta", "plaid", "privateai", "rapidapi", "sendbird", "sentry", "sidekiq",
    "snyk", "sonar", "squarespace", "sumo", "telegram", "travis", "twitch", "twitter", "yandex", "zendesk",
)  # fmt: skip

SECRET_RULES: tuple[Rule, ...] = (
    Rule(
        "private_key",
        re.compile(
            r"(?P<value>-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----"
            # Lazy, not possessive: Python 3.11.2 gives up characters of a possessive group that looks ahead.
            r"[\s\S]*?(?:-----END [A-Z0-9 ]{0,40}-----|(?=-----)|\Z))"
        ),
        ("private key",),
    ),
    Rule(
        "aws_access_key",
        re.compile(r"\b(?P<value>(?:AKIA|ASIA|ABIA|ACCA)[A-Z0-9]{16})\b"),
        ("akia", "asia", "abia", "acca"),
        run=20,
    ),
    Rule(
        "vendor_token",  # looser than token_shapes: cut short, of an older length, or of a vendor nobody listed
        re.compile(
            r"\b(?P<value>[A-Za-z]{2,12}_(?:live|test)_[A-Za-z0-9]{10,}|gh[opusr]_[A-Za-z0-9]{20,}|github_pat_\w{20,}"
            r"|xox[a-z]-[A-Za-z0-9-]{10,}|glpat-[\w-]{20,}|AIza[\w-]{30,}|sk-[A-Za-z0-9_-]{20,}|npm_[A-Za-z0-9]{30,}"
            r"|hf_[A-Za-z0-9]{30,}|SG\.[\w-]{16,}\.[\w-]{30,}|shp(?:at|ca|pa|ss)_[a-fA-F0-9]{32}|pypi-[\w-]{50,})"
        ),
        (
            "_live_",
            "_test_",
            "ghp_",
            "gho_",
            "ghu_",
            "ghs_",
            "ghr_",
            "github_pat_",
            "xox",
            "glpat-",
            "aiza",
            "sk-",
            "npm_",
            "hf_",
            "sg.",
            "shpat_",
            "shpca_",
            "shppa_",
            "shpss_",
            "pypi-",
        ),
        run=15,
    ),
    Rule(
        "vendor_token",  # told by a mark within: of Azure, Terraform, MaxMind, Mailchimp, Telegram, Teams
        re.compile(
            r"(?<![\w~.-])(?P<value>[A-Za-z0-9_~.]{3}[0-9]Q~[A-Za-z0-9_~.-]{31,34}"
            r"|[A-Za-z0-9]{14}\.atlasv1\.[A-Za-z0-9_=-]{60,70}|[A-Za-z0-9]{6}_[A-Za-z0-9]{29}_mmk"
            r"|[0-9a-f]{32}-us[0-9]{1,2}|[0-9]{5,16}:A[A-Za-z0-9_-]{34}"
            r"|[a-z0-9]{1,63}\.webhook\.office\.com/webhookb2/[\w@/-]{60,300})(?![\w-])"
        ),
        ("q~", ".atlasv0.", "_mmk", "-us0", ":a", ".webhook.office.com/"),
        run=36,
    ),
    Rule("jwt", re.compile(r"\b(?P<value>eyJ[\w-]{8,}\.eyJ[\w-]{8,}(?:\.[\w-]*)?)"), ("eyj",), run=23),
    Rule("basic_auth", re.compile(rf"://(?P<value>{NO_MASK}[^\s/:@]+:[^\s/@]+)@"), ("://",)),
    Rule(
        "basic_auth",
        re.compile(
            r"\b(?:authorization[\"']?\s{0,3}[:=]\s{0,3}[\"']?(?:basic|bearer|token)\s"
            r"|curl\s[^\n]{0,200}?\s(?:-u|--user)[ =][\"']?(?=[^\s:]{1,60}:))"
            rf"(?P<value>{NO_MASK}[\w=~@.+/:-]{{8,}})",
            re.I,
        ),
        ("authorization", "curl"),
    ),
    Rule(
        "password",
        re.compile(
            r"\b(?:pass(?:word|wd|code|phrase|wort)|pwd|kennwort|mot de passe|contraseña|pin)(?: code)?"
            rf"(?: ?[:=]| (?:is|was|to|ist|lautet|est|es)\b:?)\s*[\"'`]?(?P<value>{NO_MASK}[^\s\"'`,;<>]+)",
            re.I,
        ),
        ("pass", "pwd", "kennwort", "contrase", "pin"),
        _password,
    ),
    Rule(
        "password",  # a quoted one, whatever it looks like: db_password = "correcthorse"
        re.compile(
            r"(?:password|passwd|passphrase|pwd|secret|credentials?)[\"']?\s{0,3}(?::|=>?|:=)\s{0,3}"
            rf"([\"'`])(?P<value>{NO_MASK}[^\s\"'`]+)\1",
            re.I,
        ),
        ("passw", "passp", "pwd", "secret", "credential"),
        _assigned_password,
    ),
    Rule(
        "password",  # on the indented lines below its name, one or a list
        re.compile(
            r"(?:password|passwd|secret|credential)s?(?:[_-]\w{1,30})*[ \t]{0,3}[:=][ \t]*\n"
            rf"(?P<value>(?:[ \t]+(?:- ?)?{NO_MASK}[^\s:=]+(?:\n|\Z)){{1,30}})",
            re.I,
        ),
        ("passw", "secret", "credential"),
        lambda text: len(text.rstrip()),
    ),
    Rule(
        "password",  # <add key="Password" value="...">
        re.compile(
            rf"(?:key|name)=\"(?:cleartext)?password\"\s{{1,9}}value=\"(?P<value>{NO_MASK}[^\"\s]{{4,}})\"", re.I
        ),
        ('password"',),
    ),
    Rule(
        "assigned_key",
        re.compile(
            rf"(?:{'|'.join(_UNSHAPED)})[\w .-]{{0,20}}[\"']?\s{{0,3}}(?::|=>?|:=)\s{{0,3}}[\"'`]?"
            rf"(?P<value>{_UUID_TEXT}|[\w=-]{{14,90}})(?![\w=.-])",
            re.I,
        ),
        _UNSHAPED,
        _random_key,
        run=14,
    ),
    Rule(
        "assigned_key",
        re.compile(
            r"(?:api|access|auth|secret|private|client|bearer)[ _-]?(?:key|token|secret)?[\"']?"
            r"\s{0,3}(?::|=>?|is)?\s{0,3}[\"'`]?\b(?P<value>[A-Za-z0-9+/_~-]{16,}={0,2})",
            re.I,
        ),
        ("api", "access", "auth", "secret", "private", "client", "bearer"),
        _random_key,
        run=16,
    ),
    Rule(
        "assigned_key",  # a short one after a name that says key: aws_secret_key = 23456789a1
        re.compile(
            r"(?:secret|api|access|private|auth)[_-]?(?:access[_-]?)?(?:key|token)[\"']?\s{0,3}(?::|=)\s{0,3}[\"'`]?"
            rf"(?P<value>{NO_MASK}[\w+/~.-]{{8,15}})(?![\w+/~-])",
            re.I,
        ),
        ("key", "token"),
        lambda text: len(text) if _MIXED.match(text) else 0,
    ),
    Rule(
        "random_value",  # mimi=gX69YO4CvBsVjzAwYxdGyDd30t5+9ez31gKATtj4, or quoted anywhere
        re.compile(
            r"(?:[\w\]]\s?(?::|=>?)\s{0,3}(?:!!binary )?[\"'`]?|(?<=[\"'`]))"
            r"(?P<value>[A-Za-z0-9+_-][A-Za-z0-9+/_-]{19,}={0,2})"
            r"(?![\w/.@-])"
        ),
        ("=", ":", '"', "'", "`"),
        _random_value,
        run=20,
    ),
)
