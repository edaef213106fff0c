"""Folders of Parquet parts: the columns that folders name, and parts that differ."""

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from labelkit.errors import LabelkitError
from labelkit.io.table import Table


def part(path: Path, **columns: object) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.table(columns), path)


def test_folders_name_columns(tmp_path: Path) -> None:
    part(tmp_path / "in/y=2023/land=a%20b/p.parquet", x=["k"], y=["inside"])
    part(tmp_path / "in/y=2024/land=__HIVE_DEFAULT_PARTITION__/p.parquet", x=["l"], y=["inside"])
    part(tmp_path / "in/_delta_log/checkpoint.parquet", other=[1])
    table = Table([tmp_path / "in"])
    rows = [
        {"x": "k", "y": "inside", "land": "a b"},
        {"x": "l", "y": "inside", "land": None},
    ]
    assert table.read(table.columns).to_pylist() == rows
    table.write_annotated(tmp_path / "out.parquet", pa.table({"weak_label": ["A", "B"]}))
    written = pq.read_table(tmp_path / "out.parquet").to_pylist()
    assert [{k: row[k] for k in rows[0]} for row in written] == rows
    assert table.gather(pa.array([1]).to_numpy(), ["land", "x"]).to_pylist() == [
        {"land": None, "x": "l"}
    ]


def test_folders_of_numbers_are_numbers(tmp_path: Path) -> None:
    for year in ("2023", "2024"):
        part(tmp_path / f"in/year={year}/p.parquet", x=[year])
    table = Table([tmp_path / "in"])
    assert table.kinds(["year"]) == {"year": "number"}
    assert table.texts("year").tolist() == ["2023", "2024"]
    part(tmp_path / "in/p.parquet", x=["a"])
    with pytest.raises(LabelkitError, match=r"has other partition folders than .*: year"):
        Table([tmp_path / "in"])


def test_parts_that_differ_in_a_type_name_both(tmp_path: Path) -> None:
    part(tmp_path / "in/a.parquet", x=["1"], y=[1])
    part(tmp_path / "in/b.parquet", x=["1"], y=["1"])
    with pytest.raises(LabelkitError, match=r"b.parquet: column 'y' is string, but int64 in .*a"):
        Table([tmp_path / "in"])
    part(tmp_path / "in/b.parquet", y=[1], x=["1"])
    with pytest.raises(LabelkitError, match="in another order"):
        Table([tmp_path / "in"])


def test_parts_may_differ_in_what_may_be_null(tmp_path: Path) -> None:
    strict = pa.schema([pa.field("x", pa.int64(), nullable=False)])
    (tmp_path / "in").mkdir()
    pq.write_table(pa.table([[1]], strict), tmp_path / "in/a.parquet")
    pq.write_table(pa.table({"x": pa.array([None], pa.int64())}), tmp_path / "in/b.parquet")
    out = tmp_path / "out.parquet"
    Table([tmp_path / "in"]).write_annotated(out, pa.table({"weak_label": ["A", "B"]}))
    assert pq.read_table(out)["x"].to_pylist() == [1, None]


def test_an_encrypted_file_is_named_so(tmp_path: Path) -> None:
    encryption = pytest.importorskip("pyarrow.parquet.encryption")

    class Plain(encryption.KmsClient):
        def wrap_key(self, key: bytes, _: str) -> bytes:
            return key.hex().encode()

        def unwrap_key(self, key: bytes, _: str) -> bytes:
            return bytes.fromhex(key.decode())

    factory = encryption.CryptoFactory(lambda _: Plain())
    for footer in (True, False):
        path = tmp_path / f"{footer}.parquet"
        configuration = encryption.EncryptionConfiguration(
            footer_key="f", column_keys={"k": ["x"]}, plaintext_footer=footer
        )
        properties = factory.file_encryption_properties(
            encryption.KmsConnectionConfig(), configuration
        )
        with pq.ParquetWriter(
            path, pa.schema([("x", pa.int64())]), encryption_properties=properties
        ) as writer:
            writer.write_table(pa.table({"x": [1, 2]}))
        with pytest.raises(LabelkitError, match="is encrypted"):
            Table([path]).texts("x")
