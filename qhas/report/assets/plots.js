// Plotly draws what the page holds as data, in the page's colours.
report.layout = layout => {
  const ink = report.colour("ink"), dim = report.colour("dim"), line = report.colour("line");
  const axis = {gridcolor: line, linecolor: line, zerolinecolor: line, tickfont: {color: dim}, automargin: true, separatethousands: true};
  return {
    ...layout,
    autosize: true,
    margin: {l: 60, r: 16, t: 30, b: 36},
    paper_bgcolor: "rgba(0,0,0,0)",
    plot_bgcolor: "rgba(0,0,0,0)",
    font: {family: "system-ui, sans-serif", size: 12, color: ink},
    colorway: ["conv", "elementwise", "resize", "pool", "matmul", "depthwise", "norm", "move", "convert", "io"].map(report.colour),
    hoverlabel: {bgcolor: report.colour("card"), bordercolor: line, font: {color: ink}},
    separators: ".,",
    xaxis: {...axis, ...layout.xaxis},
    yaxis: {...axis, ...layout.yaxis},
    shapes: (layout.shapes ?? []).map(shape => ({...shape, line: {...shape.line, color: dim}})),
  };
};

report.trace = trace => {
  const card = report.colour("card");
  if (trace.type === "waterfall") {
    const of = name => ({marker: {color: report.colour(name)}});
    return {...trace, increasing: of("bad"), decreasing: of("good"), totals: of("io"), connector: {line: {color: report.colour("dim"), width: .5}}, textfont: {color: report.colour("ink")}, textposition: "outside", cliponaxis: false};
  }
  const symbol = trace.marker?.symbol ?? "";
  return symbol.endsWith("open") ? trace : {...trace, marker: {...trace.marker, line: {...trace.marker?.line, color: card}}};
};

// On a telephone long names would leave no room for the bars, and the figures beside these would be cut.
report.narrowed = (layout, data, width) => {
  if (width >= 600 || layout.yaxis?.type !== "category") return layout;
  const names = data[0].y, short = name => name.length > 20 ? `${name.slice(0, 19)}…` : name;
  return {...layout, margin: {...layout.margin, r: 48}, yaxis: {...layout.yaxis, tickmode: "array", tickvals: names, ticktext: names.map(short)}};
};

report.drawPlots = () => {
  const draw = () => {
    for (const host of document.querySelectorAll("[data-plot]")) {
      const plot = report.data(host.id);
      Plotly.react(host, plot.data.map(report.trace), report.narrowed(report.layout(plot.layout), plot.data, host.clientWidth), {responsive: true, displaylogo: false, modeBarButtonsToRemove: ["lasso2d", "select2d"]});
    }
  };
  if (!document.querySelector("[data-plot]")) return;
  draw();
  document.addEventListener("themechange", draw);
  addEventListener("beforeprint", () => { document.documentElement.dataset.theme = "light"; draw(); });
  addEventListener("afterprint", () => { report.showTheme(); draw(); });
};
