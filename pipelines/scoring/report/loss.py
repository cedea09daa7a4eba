"""The loss curves of training."""

from collections.abc import Sequence

from markupsafe import Markup

from pipelines.scoring.report.reports import LossPoint, Reports, Section
from pipelines.scoring.report.svg import Scale, circle, line, path, picture, text
from pipelines.scoring.report.words import plain

_LEFT, _RIGHT, _TOP, _BOTTOM = 40, 348, 22, 190
_MOST_POINTS = 400
_WIDE_SPREAD = 20.0  # past it, a linear axis would press the end of training onto its bottom


def loss(reports: Reports) -> Section | None:
    """Training loss by step, validation loss at the end, and what training was."""
    if not reports.loss:
        return None
    validation = reports.train.get("validation_loss")
    view = {"picture": _curve(reports.loss, validation), "train": reports.train, "validation": validation}
    return Section("Training", "loss", view)


def _curve(loss: Sequence[LossPoint], validation: float | None) -> Markup:
    drawn = thinned(loss)
    values = [point.loss for point in drawn] + ([validation] if validation is not None else [])
    low, high = min(values), max(values)
    logarithmic = low > 0 and high / low > _WIDE_SPREAD
    up = Scale(low / 1.15 if logarithmic else 0, high * 1.05 or 1.0, _BOTTOM, _TOP, logarithmic)
    across = Scale(min(0, loss[0].step), loss[-1].step, _LEFT, _RIGHT)
    parts = [text(0, 11, f"loss, nats per answer token{' (logarithmic)' if logarithmic else ''}", "quiet")]
    for tick in up.ticks():
        parts.append(line((_LEFT, up.place(tick)), (_RIGHT, up.place(tick)), "axis"))
        parts.append(text(_LEFT - 6, up.place(tick) + 4, f"{tick:g}", "quiet", "end"))
    for tick in across.ticks():
        parts.append(text(across.place(tick), _BOTTOM + 14, f"{tick:,.0f}", "quiet", "middle"))
    parts.append(text(_RIGHT, _BOTTOM + 29, "step", "quiet", "end"))
    parts.append(path([(across.place(point.step), up.place(point.loss)) for point in drawn], "curve base"))
    told = f"Training loss falls from {plain(loss[0].loss)} to {plain(loss[-1].loss)} in {loss[-1].step:,} steps"
    if validation is not None:
        x, y = across.place(loss[-1].step), up.place(validation)
        parts.append(line((_LEFT, y), (x, y), "ideal"))
        parts.append(circle(x, y, 4.5, "dot tuned"))
        told += f"; validation loss at its end is {plain(validation)}"
    return picture(_BOTTOM + 36, told, parts)


def thinned(loss: Sequence[LossPoint]) -> list[LossPoint]:
    """At most 400 points; of a longer curve each is the mean of as many steps, but for the last of all."""
    if len(loss) <= _MOST_POINTS:
        return list(loss)
    wide = -(-len(loss) // (_MOST_POINTS - 1))
    runs = [loss[start : start + wide] for start in range(0, len(loss), wide)]
    means = [LossPoint(run[-1].step, sum(point.loss for point in run) / len(run)) for run in runs]
    return [LossPoint(loss[0].step, loss[0].loss), *means[:-1], loss[-1]]
