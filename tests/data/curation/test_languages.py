import pytest

from pipelines.data.curation.languages import UNKNOWN, languages

SENTENCES = {
    "en": "My thermostat keeps dropping off the network since the last update, please help",
    "de": "Mein Thermostat verliert seit dem letzten Update dauernd die Verbindung",
    "fr": "Mon thermostat perd la connexion depuis la dernière mise à jour",
    "es": "Mi termostato pierde la conexión desde la última actualización, ayuda por favor",
    "pl": "Mój termostat traci połączenie od ostatniej aktualizacji",
    "ja": "最後のアップデート以来、サーモスタットの接続が切れます",
}


@pytest.mark.parametrize("language", SENTENCES)
def test_a_sentence_tells_its_language(language):
    assert list(languages([SENTENCES[language]])) == [language]


def test_what_could_be_anything_is_unknown():
    assert list(languages(["", "ok", "4711"])) == [UNKNOWN] * 3
