"""s3:// against moto's server, which speaks S3 over HTTP on this machine."""

import gzip

import boto3
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import s3fs
from moto.server import ThreadedMotoServer

from pipelines.data.sources.reading import source_mistake
from pipelines.errors import TinsmithError
from pipelines.recipe_sources import FilesSource
from tests.data.sources.reads import parts_of, read


@pytest.fixture
def bucket(monkeypatch):
    """A bucket on a server that is stopped at the end; environment variables point every client to it."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    for name, value in {
        "AWS_ENDPOINT_URL": f"http://{host}:{port}",
        "AWS_ACCESS_KEY_ID": "tests",
        "AWS_SECRET_ACCESS_KEY": "sesame",
        "AWS_DEFAULT_REGION": "us-east-1",
    }.items():
        monkeypatch.setenv(name, value)
    s3fs.S3FileSystem.clear_instance_cache()
    client = boto3.client("s3")
    client.create_bucket(Bucket="company")
    yield client
    server.stop()


def test_objects_that_match_are_read_in_order(bucket, tmp_path):
    pq.write_table(pa.table({"id": ["3"], "body": ["c"]}), tmp_path / "c.parquet")
    bucket.put_object(Bucket="company", Key="in/b.csv.gz", Body=gzip.compress(b"id,body\n2,b\n"))
    bucket.put_object(Bucket="company", Key="in/2026/a.csv", Body=b"id,body\n1,a\n")
    bucket.put_object(Bucket="company", Key="in/c.parquet", Body=(tmp_path / "c.parquet").read_bytes())
    bucket.put_object(Bucket="company", Key="out/d.csv", Body=b"id,body\n4,d\n")
    parts = parts_of(path="s3://company/in/**")
    assert [(part.label, read(rows)) for part, rows in parts] == [
        ("2026/a.csv", [("1", "a")]),
        ("b.csv.gz", [("2", "b")]),
        ("c.parquet", [("3", "c")]),
    ]
    assert all(part.sha256 for part, _ in parts)


@pytest.mark.usefixtures("bucket")
@pytest.mark.parametrize("path", ["s3://company/in/*.csv", "s3://company/a.csv", "s3://nowhere/*.csv"])
def test_an_object_or_a_bucket_that_is_not_there_is_one_line(path):
    with pytest.raises(TinsmithError, match=rf"no file matches {path.replace('*', '.')}|cannot be reached") as caught:
        parts_of(path=path)
    assert "sesame" not in str(caught.value)


def test_check_does_not_ask_the_network():
    assert source_mistake(FilesSource(contract="c", type="files", path="s3://company/*.csv")) is None
