"""How each kind of panel is drawn in Grafana: from a Panel to the SDK's panel builder.

One function per kind holds what is special to it; ``draw`` adds what all panels share. Only this module and the
builder may import Grafana's SDK, which is a development dependency. It must never hold a query of its own.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from grafana_foundation_sdk.builders import bargauge, common, gauge, heatmap, piechart, stat, timeseries
from grafana_foundation_sdk.builders import dashboard as build
from grafana_foundation_sdk.builders import prometheus as query_build
from grafana_foundation_sdk.models import common as common_model
from grafana_foundation_sdk.models import dashboard as model
from grafana_foundation_sdk.models import heatmap as heatmap_model
from grafana_foundation_sdk.models import piechart as piechart_model
from grafana_foundation_sdk.models import prometheus as query_model

from stack.dashboards.model import Kind, Panel, Query

DATASOURCE = common_model.DataSourceRef(type_val="prometheus", uid="${datasource}")


def draw(panel: Panel, number: int) -> Any:
    """The SDK's builder of one panel with the id ``number``, its size and its queries."""
    drawn = SHAPES[panel.kind](panel)
    drawn.id(number).title(panel.title).description(panel.description).unit(panel.unit)
    drawn.datasource(DATASOURCE).span(panel.width).height(panel.height)
    for place, query in enumerate(panel.queries):
        drawn.with_target(_target(query, chr(ord("A") + place), panel.kind))
    _values(drawn, panel)
    return drawn


def _target(query: Query, ref: str, kind: Kind) -> query_build.Dataquery:
    target = query_build.Dataquery().ref_id(ref).expr(query.expr).legend_format(query.legend)
    target.datasource(DATASOURCE).editor_mode(query_model.QueryEditorMode.CODE)
    if kind == "heatmap":
        target.format(query_model.PromQueryFormat.HEATMAP)
    return target.instant() if query.instant else target.range()


def _values(drawn: Any, panel: Panel) -> None:
    """What a value of the panel means: its bounds, its digits, its good and bad side, its names."""
    if panel.minimum is not None:
        drawn.min(panel.minimum)
    if panel.maximum is not None:
        drawn.max(panel.maximum)
    if panel.decimals is not None:
        drawn.decimals(panel.decimals)
    steps = [model.Threshold(value=step.value, color=step.color) for step in panel.steps]
    if steps:
        drawn.thresholds(build.ThresholdsConfig().mode(model.ThresholdsMode.ABSOLUTE).steps(steps))
    if panel.states:
        results = {
            value: model.ValueMappingResult(text=text, color=color) for value, text, color in panel.states
        }
        drawn.mappings([model.ValueMap(options=results)])


def _last() -> common.ReduceDataOptions:
    return common.ReduceDataOptions().calcs(["lastNotNull"]).values(False)


def _color(mode: model.FieldColorModeId) -> build.FieldColor:
    return build.FieldColor().mode(mode)


def _timeseries(panel: Panel) -> timeseries.Panel:
    legend = (
        common.VizLegendOptions()
        .display_mode(common_model.LegendDisplayMode.TABLE)
        .placement(common_model.LegendPlacement.BOTTOM)
        .show_legend(True)
        .calcs(["lastNotNull", "max"])
    )
    drawn = (
        timeseries.Panel()
        .color_scheme(_color(model.FieldColorModeId.PALETTE_CLASSIC_BY_NAME))
        .fill_opacity(30 if panel.stacked else 8)
        .line_width(1)
        .show_points(common_model.VisibilityMode.NEVER)
        .legend(legend)
        .tooltip(
            common.VizTooltipOptions()
            .mode(common_model.TooltipDisplayMode.MULTI)
            .sort(common_model.SortOrder.DESCENDING)
        )
    )
    if panel.stacked:
        drawn.stacking(common.StackingConfig().mode(common_model.StackingMode.NORMAL).group("A"))
    if panel.steps:
        dashed = common.GraphThresholdsStyleConfig().mode(common_model.GraphThresholdsStyleMode.DASHED)
        drawn.thresholds_style(dashed)
    return drawn


def _stat(panel: Panel) -> stat.Panel:
    colored = common_model.BigValueColorMode.VALUE if panel.steps else common_model.BigValueColorMode.NONE
    instant = all(query.instant for query in panel.queries)
    graph = common_model.BigValueGraphMode.NONE if instant else common_model.BigValueGraphMode.AREA
    return (
        stat.Panel()
        .color_scheme(_color(model.FieldColorModeId.THRESHOLDS))
        .reduce_options(_last())
        .color_mode(colored)
        .graph_mode(graph)
    )


def _gauge(_panel: Panel) -> gauge.Panel:
    return gauge.Panel().color_scheme(_color(model.FieldColorModeId.THRESHOLDS)).reduce_options(_last())


def _bargauge(_panel: Panel) -> bargauge.Panel:
    return (
        bargauge.Panel()
        .color_scheme(_color(model.FieldColorModeId.THRESHOLDS))
        .reduce_options(_last())
        .orientation(common_model.VizOrientation.HORIZONTAL)
        .display_mode(common_model.BarGaugeDisplayMode.BASIC)
        .show_unfilled(True)
    )


def _piechart(_panel: Panel) -> piechart.Panel:
    legend = (
        piechart.PieChartLegendOptions()
        .display_mode(common_model.LegendDisplayMode.TABLE)
        .placement(common_model.LegendPlacement.RIGHT)
        .show_legend(True)
        .values([piechart_model.PieChartLegendValues.VALUE, piechart_model.PieChartLegendValues.PERCENT])
    )
    return (
        piechart.Panel()
        .color_scheme(_color(model.FieldColorModeId.PALETTE_CLASSIC_BY_NAME))
        .reduce_options(_last())
        .pie_type(piechart_model.PieChartType.DONUT)
        .legend(legend)
    )


def _heatmap(panel: Panel) -> heatmap.Panel:
    color = (
        heatmap.HeatmapColorOptions()
        .mode(heatmap_model.HeatmapColorMode.SCHEME)
        .scheme("Blues")
        .scale(heatmap_model.HeatmapColorScale.EXPONENTIAL)
        .exponent(0.5)
        .steps(64)
    )
    return (
        heatmap.Panel()
        .calculate(False)
        .color(color)
        .y_axis(heatmap.YAxisConfig().unit(panel.unit))
        .cell_gap(1)
        .show_legend()
    )


SHAPES: dict[Kind, Callable[[Panel], Any]] = {
    "timeseries": _timeseries,
    "stat": _stat,
    "gauge": _gauge,
    "bargauge": _bargauge,
    "piechart": _piechart,
    "heatmap": _heatmap,
}
