"""A data set of the Hugging Face hub at one commit, as files on this machine."""

import glob
from pathlib import Path

from huggingface_hub import snapshot_download
from huggingface_hub.errors import HfHubHTTPError, LocalEntryNotFoundError

from pipelines.errors import TinsmithError
from pipelines.recipe_sources import FilesSource, HubSource


def hub_files(source: HubSource) -> FilesSource:
    """The files of the data set that the source names, downloaded where they are not yet in the hub's cache.

    Only files are fetched and read as they are: a loading script of the data set is none of them.

    Raises:
        TinsmithError: the hub cannot be reached, or has no such data set or commit.
    """
    name, _, revision = source.dataset.partition("@")
    try:
        folder = snapshot_download(name, repo_type="dataset", revision=revision, allow_patterns=[source.path])
    except (HfHubHTTPError, LocalEntryNotFoundError, OSError) as error:
        raise TinsmithError(
            f"{source.dataset}: cannot be fetched ({type(error).__name__}); look at its name and commit, the network, "
            "and for a private one at HF_TOKEN"
        ) from None
    path = str(Path(glob.escape(folder)) / source.path)
    return FilesSource(
        contract=source.contract, use=source.use, type="files", path=path.replace("$", "$$"), shape=source.shape
    )
