// The picture of a trace: a lane a thread, bars whose height is how much of a step is taken and whose colour is what takes
// most of it, and the memory counters below on the same axis.
report.drawTimeline = () => {
  const host = document.getElementById("timeline");
  if (!host) return;
  const {timeline, families} = report.data("timeline");
  const NS = "http://www.w3.org/2000/svg", LABEL = 118, LANE = 24, GAP = 5, COUNTER = 44, AXIS = 22;
  const bins = timeline.dominant.busy.length;
  const lanes = [timeline.dominant, ...timeline.lanes];
  const hidden = new Set();
  let from = 0, to = bins, marked = null;

  const element = (name, attributes, parent) => {
    const made = document.createElementNS(NS, name);
    for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
    parent?.append(made);
    return made;
  };
  const text = (x, y, words, parent, anchor = "end") => {
    const made = element("text", {x, y, "text-anchor": anchor}, parent);
    made.textContent = words;
  };
  const short = count => count >= 1e6 ? `${+(count / 1e6).toFixed(2)} M` : count >= 1e3 ? `${+(count / 1e3).toFixed(1)} k` : `${count}`;
  const bytes = count => count >= 1e6 ? `${(count / 1e6).toFixed(2)} MB` : count >= 1e3 ? `${(count / 1e3).toFixed(1)} kB` : `${Math.round(count)} B`;
  // Bytes moved are told by the cycle: a step has no meaning of its own.
  const rate = value => `${+value.toPrecision(3)}`;
  const told = (counter, value) => counter.kind === "moved" ? moved(value / timeline.bin_cycles) : bytes(value);
  const moved = perCycle => `${rate(perCycle)} B a cycle${timeline.clock_mhz ? `, ${rate(perCycle * timeline.clock_mhz / 1e3)} GB/s` : ""}`;

  const legend = document.createElement("p");
  legend.className = "families";
  const svgHost = document.createElement("div"), hint = document.createElement("div");
  hint.className = "hint"; hint.hidden = true;
  host.append(legend, svgHost, hint);

  const titles = {depthwise: "depthwise convolution", conv: "convolution", matmul: "matrix product", norm: "softmax, normalisation", pool: "pooling, reduction", convert: "quantisation, conversion", resize: "resampling", move: "data movement", elementwise: "elementwise, activation", io: "inputs, outputs", other: "other ops", waiting: "waiting, bookkeeping"};
  const used = new Set(lanes.flatMap(lane => lane.op).filter(op => op >= 0).map(op => families[op]));
  for (const family of Object.keys(titles).filter(name => used.has(name))) {
    const entry = document.createElement("span"), mark = document.createElement("i");
    mark.className = `b-${family}`;
    entry.append(mark, titles[family]);
    entry.title = "Show or hide";
    entry.addEventListener("click", () => {
      hidden.has(family) ? hidden.delete(family) : hidden.add(family);
      entry.classList.toggle("off", hidden.has(family));
      draw();
    });
    legend.append(entry);
  }

  let width, scale, svg, cursor, zoom;
  const x = bin => LABEL + (bin - from) * scale;
  const top = lane => lane * (LANE + GAP) + (lane ? 6 : 0);
  const under = () => top(lanes.length) + 8;

  const draw = () => {
    width = Math.max(400, host.clientWidth - 22);
    scale = (width - LABEL - 12) / (to - from);
    const height = under() + timeline.counters.length * (COUNTER + GAP) + AXIS;
    svg = element("svg", {width, height, role: "img", "aria-label": "Timeline of the trace"});
    lanes.forEach((lane, at) => drawLane(lane, top(at)));
    timeline.counters.forEach((counter, at) => drawCounter(counter, under() + at * (COUNTER + GAP)));
    drawAxis(height - AXIS);
    drawMark(height - AXIS);
    zoom = element("rect", {class: "zoom", y: 0, height: height - AXIS, width: 0}, svg);
    cursor = element("line", {class: "cursor", y1: 0, y2: height - AXIS, x1: -9, x2: -9}, svg);
    svgHost.replaceChildren(svg);
  };

  const drawLane = (lane, y) => {
    element("rect", {class: "lane", x: LABEL, y, width: (to - from) * scale, height: LANE, rx: 2}, svg);
    text(LABEL - 8, y + LANE / 2 + 4, lane.name, svg);
    const paths = {};
    for (let bin = from; bin < to;) {
      const op = lane.op[bin], busy = lane.busy[bin];
      let end = bin + 1;
      while (end < to && lane.op[end] === op && lane.busy[end] === busy) end += 1;
      if (op >= 0 && !hidden.has(families[op])) {
        const h = Math.max(2, LANE * busy / 100);
        (paths[families[op]] ??= []).push(`M${x(bin).toFixed(1)} ${(y + LANE).toFixed(1)}v${-h.toFixed(1)}h${((end - bin) * scale).toFixed(1)}v${h.toFixed(1)}`);
      }
      bin = end;
    }
    for (const [family, pieces] of Object.entries(paths)) element("path", {class: `f-${family}`, d: pieces.join("")}, svg);
  };

  const drawCounter = (counter, y) => {
    const shown = counter.bytes.slice(from, to), most = Math.max(...shown, 1);
    element("rect", {class: "lane", x: LABEL, y, width: (to - from) * scale, height: COUNTER, rx: 2}, svg);
    text(LABEL - 8, y + 16, counter.name, svg);
    told(counter, most).split(", ").forEach((words, line) => text(LABEL - 8, y + 29 + 13 * line, line ? words : `≤ ${words}`, svg));
    const points = shown.map((value, at) => `H${x(from + at).toFixed(1)}V${(y + COUNTER - value / most * (COUNTER - 3)).toFixed(1)}`);
    element("path", {class: "area", d: `M${LABEL} ${y + COUNTER}${points.join("")}H${x(to).toFixed(1)}V${y + COUNTER}Z`}, svg);
  };

  const drawAxis = y => {
    const cycles = (to - from) * timeline.bin_cycles, rough = cycles / Math.max(2, width / 130);
    const power = 10 ** Math.floor(Math.log10(rough)), step = [1, 2, 5, 10].map(one => one * power).find(one => one >= rough);
    for (let cycle = Math.ceil(from * timeline.bin_cycles / step) * step; cycle <= to * timeline.bin_cycles; cycle += step) {
      const at = x(cycle / timeline.bin_cycles);
      element("line", {class: "grid", x1: at, x2: at, y1: 0, y2: y + 4}, svg);
      text(at, y + 16, short(cycle), svg, at > width - 30 ? "end" : "middle");
    }
    text(LABEL - 8, y + 16, "HTP cycles", svg);
  };

  const drawMark = height => {
    if (!marked) return;
    const [first, last] = marked.map(cycle => Math.min(to, Math.max(from, cycle / timeline.bin_cycles)));
    if (last > first) element("rect", {class: "marked", x: x(first), y: 0, width: Math.max(2, (last - first) * scale), height}, svg);
  };

  // From an op of the tables to where it ran: with as much again around it, or eight bins of a short one.
  report.showCycles = (first, last) => {
    const begin = Math.floor(first / timeline.bin_cycles), end = Math.max(begin + 1, Math.ceil(last / timeline.bin_cycles));
    const around = Math.max(4, Math.ceil((end - begin) / 2));
    marked = [first, last];
    from = Math.max(0, begin - around); to = Math.min(bins, end + around);
    draw();
    host.scrollIntoView({block: "nearest"});
  };

  // And back: of the ops listed below that ran in this bin, and are of the lane's type, the shortest.
  const showOp = (bin, y) => {
    const lane = lanes.find((_, at) => y >= top(at) && y < top(at) + LANE), type = lane && timeline.ops[lane.op[bin]]?.qnn;
    const begin = bin * timeline.bin_cycles, end = begin + timeline.bin_cycles;
    const length = link => link.dataset.to - link.dataset.from;
    const ran = [...document.querySelectorAll("a[data-from]")].filter(link =>
      +link.dataset.from < end && +link.dataset.to > begin && (!type || link.dataset.type === type));
    const link = ran.sort((a, b) => length(a) - length(b))[0];
    document.querySelector(".chosen")?.classList.remove("chosen");
    if (!link) return;
    link.closest("details").open = true;
    marked = [+link.dataset.from, +link.dataset.to];
    draw();
    link.closest("tr, .line").classList.add("chosen");
    link.focus({preventScroll: true});
    link.scrollIntoView({block: "center"});
  };

  const binAt = event => Math.min(to - 1, Math.max(from, from + Math.floor((event.clientX - svg.getBoundingClientRect().left - LABEL) / scale)));
  const describe = (bin, y) => {
    const first = bin * timeline.bin_cycles, lines = [`cycles ${first.toLocaleString("en")} to ${(first + timeline.bin_cycles).toLocaleString("en")}`];
    const at = lanes.findIndex((_, lane) => y >= top(lane) && y < top(lane) + LANE);
    if (at >= 0) {
      const lane = lanes[at], op = timeline.ops[lane.op[bin]];
      lines.unshift(lane.name);
      if (!op) lines.push("idle");
      else lines.push(op.work === "op" ? `${lane.busy[bin]} % busy, mostly ${op.qnn || "?"}: ${op.htp}` : `${lane.busy[bin]} % busy, mostly ${titles[op.work]}`);
    }
    for (const counter of timeline.counters) lines.push(`${counter.name}: ${told(counter, counter.bytes[bin])}`);
    return lines;
  };

  let pressed = null, waiting = 0;
  svgHost.addEventListener("mousemove", event => {
    const bin = binAt(event), box = host.getBoundingClientRect(), at = x(bin + .5);
    cursor.setAttribute("x1", at); cursor.setAttribute("x2", at);
    hint.replaceChildren(...describe(bin, event.clientY - svg.getBoundingClientRect().top).map(words => {
      const line = document.createElement("div");
      line.textContent = words;
      return line;
    }));
    hint.hidden = false;
    const left = event.clientX - box.left;
    hint.style.left = left > box.width / 2 ? "" : `${left + 16}px`;
    hint.style.right = left > box.width / 2 ? `${box.width - left + 16}px` : "";
    hint.style.top = `${event.clientY - box.top + 14}px`;
    if (pressed !== null) { zoom.setAttribute("x", x(Math.min(pressed, bin))); zoom.setAttribute("width", Math.abs(bin - pressed) * scale); }
  });
  svgHost.addEventListener("mouseleave", () => { hint.hidden = true; cursor.setAttribute("x1", -9); cursor.setAttribute("x2", -9); });
  svgHost.addEventListener("mousedown", event => { pressed = binAt(event); });
  addEventListener("mouseup", event => {
    if (pressed === null) return;
    const end = binAt(event), low = Math.min(pressed, end), high = Math.max(pressed, end);
    pressed = null;
    zoom.setAttribute("width", 0);
    if (high - low > 2) { from = low; to = high; draw(); }
    else if (high === low && event.detail === 1 && svgHost.contains(event.target)) {
      const y = event.clientY - svg.getBoundingClientRect().top;
      waiting = setTimeout(() => showOp(low, y), 250); // a double click is no click
    }
  });
  svgHost.addEventListener("dblclick", () => { clearTimeout(waiting); from = 0; to = bins; marked = null; draw(); });
  addEventListener("resize", draw);
  draw();
};
