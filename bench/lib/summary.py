"""Best and median of the rounds, as rows."""
import statistics

from . import ways


def throughput(runs, whole):
    key = "ns_per_call" if whole else "ns_best_batch"
    return {"ns_best": min(run[key] for run in runs),
            "ns_median": statistics.median(run["ns_per_call"] for run in runs),
            "records_per_s_best": max(run["records_per_s"] for run in runs),
            "records_per_s_median": statistics.median(run["records_per_s"] for run in runs)}


def latency(runs):
    row = {}
    for what in ("call", "clock"):
        for percentile in ("p50", "p99", "p999", "max"):
            values = [run[f"{what}_{percentile}"] for run in runs]
            row[f"{what}_{percentile}_best"] = min(values)
            row[f"{what}_{percentile}_median"] = statistics.median(values)
    row["late_median"] = statistics.median(run["late"] for run in runs)
    row["records_per_s_best"] = max(run["records_per_s"] for run in runs)
    return row


def rows(results, all_ways):
    """{way: {measure: row}}; a row has the numbers of all rounds of one measure, and of the process."""
    table, queued = {}, {way.name for way in all_ways if way.queue}
    for way, measures in results.items():
        for measure, runs in measures.items():
            # A batch of two threads is quiet when one of them waits, one before a queue while that fills.
            whole = way in queued or runs[0]["threads"] > 1
            row = latency(runs) if measure in ways.LATENCIES else throughput(runs, whole)
            row["runs"] = len(runs)
            row["rss_max_kib"] = max(run["rss_max_kib"] for run in runs)
            row["pinned"] = all(run["pinned"] for run in runs)
            row["line_bytes"] = statistics.mean(run.get("line_bytes", 0) for run in runs)
            table.setdefault(way, {})[measure] = row
    return table
