"""What a recipe wants done with each kind of personal data."""

from collections.abc import Mapping, Set
from dataclasses import dataclass, field

from pipelines.data.privacy.detector import PATTERN_KINDS, UNASKED
from pipelines.data.privacy.names import KINDS as FREE_TEXT_KINDS
from pipelines.recipe import Action, Privacy


@dataclass(frozen=True)
class Policy:
    """Actions: `personal` for every kind that `entities` (words in capitals) does not name, `secrets` for secrets."""

    personal: Action = "mask"
    secrets: Action = "mask"
    entities: Mapping[str, Action] = field(default_factory=dict)

    def action(self, kind: str) -> Action:
        """What is done with a kind; secrets' kinds are in small letters."""
        if kind.islower():
            return self.secrets
        return self.entities.get(kind, "keep" if kind in UNASKED else self.personal)

    def column_action(self, kind: str) -> Action:
        """What is done with a personal column: what text may keep unasked is personal where a contract says so."""
        return self.entities.get(kind, self.personal)

    def sought(self) -> Set[str]:
        """The kinds that must be found because something is done with them."""
        return {kind for kind in (*PATTERN_KINDS, *FREE_TEXT_KINDS) if self.action(kind) != "keep"}

    @property
    def pseudonymises(self) -> bool:
        """Whether any kind gets surrogates, for which a key is needed."""
        return "pseudonymise" in (self.personal, *self.entities.values())


def policy_of(privacy: Privacy) -> Policy:
    """The recipe's section as a policy."""
    entities = {entity.upper(): action for entity, action in privacy.entities.items()}
    return Policy(privacy.personal, privacy.secrets, entities)
