"""Where the model came from: sources and contracts, rows step by step, base, programs and file."""

from pipelines.scoring.report.reports import Reports, Section, judged_entry


def lineage(reports: Reports) -> Section:
    """All by name and digest."""
    view = {
        "sources": reports.ingest.get("sources", {}),
        "files": {
            name: (len(source["files"]), sum(file["rows"] for file in source["files"]))
            for name, source in reports.ingest.get("sources", {}).items()
        },
        "steps": reports.row_steps,
        "base": reports.export.get("base"),
        "base_file": reports.baseline.get("gguf_sha256"),
        "llama_cpp": reports.export.get("llama_cpp"),
        "imatrix": reports.export.get("imatrix"),
        "adapter": reports.export.get("adapter"),
        "functions": reports.evaluation.get("functions") or {},
        "quant": reports.evaluation["quant"],
        "sha256": reports.evaluation["gguf_sha256"],
        "file": judged_entry(reports).get("file"),
        "owner": reports.owner,
        "rows": reports.evaluation["rows"],
        "name": reports.name,
    }
    return Section("Lineage", "lineage", view)
