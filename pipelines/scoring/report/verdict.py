"""The top of the page: the verdict, the result in one sentence, and the gate's rules."""

from pipelines.scoring.report.reports import Reports, Section, judged_metric
from pipelines.scoring.report.words import hundredths, percent, points_range
from pipelines.scoring.variants import variant_name

WORDS = {"pass": "Pass", "fail": "Fail", "not-enough-data": "Not enough data"}


def headline(reports: Reports) -> str:
    """The result in one sentence."""
    evaluation, metric = reports.evaluation, judged_metric(reports)
    found = evaluation["metrics"][metric]
    against = variant_name(found["compared_with"])
    figures = f"{percent(found['tuned'])} against {percent(found[found['compared_with']])}"
    sure = f"{points_range(found['interval'])} with {found['confidence'] * 100:g}% confidence"
    size = hundredths(abs(found["difference"]))
    unsure = found["interval"][0] <= 0 <= found["interval"][1]
    if float(size) == 0:
        how = f"scores the same as its {against}{', which does not prove it as good' if unsure else ''}"
    else:
        better = "better" if found["difference"] > 0 else "worse"
        how = f"is {size} points {better} than its {against}{', which chance could explain' if unsure else ''}"
    return f"On {metric} the tuned model {how}: {figures} on {evaluation['rows']:,} test rows (difference {sure})."


def because(reports: Reports) -> str:
    """Why the verdict is not better than it is, or that nothing was asked for; empty for a pass by rules."""
    evaluation = reports.evaluation
    if not evaluation["rules"]:
        return "The recipe's gate has no rules, so any result passes."
    if evaluation["verdict"] == "pass":
        return ""
    broken = [rule for rule in evaluation["rules"] if not rule["holds"]]
    said = [rule.get("reason") or f"Not kept: {rule['rule']}." for rule in broken]
    if evaluation["verdict"] == "not-enough-data":
        said.append("More test rows could still decide it.")
    return " ".join(said)


def rules(reports: Reports) -> Section | None:
    """Each rule of the gate with its figure and reason."""
    found = reports.evaluation["rules"]
    return Section("Rules", "rules", found) if found else None
