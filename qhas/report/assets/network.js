// The network, an op a line: lanes of its tensors, its share of the time as bar and dot, a click to the timeline.
report.drawNetwork = () => {
  const host = document.getElementById("network");
  if (!host) return;
  const {lines, lanes, most} = report.data("network");
  const high = 22, step = 11, wide = lanes * step + 6, at = lane => lane * step + step / 2 + 2;
  const svg = (name, attributes) => {
    const made = document.createElementNS("http://www.w3.org/2000/svg", name);
    for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
    return made;
  };
  const cell = (name, text) => {
    const made = document.createElement("span");
    made.className = name;
    made.textContent = text ?? "";
    return made;
  };
  const wires = line => {
    const {lane, reads, passing, goes_on: goesOn} = line.wires, middle = high / 2, x = at(lane);
    const paths = passing.map(other => `M${at(other)} 0V${high}`);
    for (const other of reads) paths.push(other === lane ? `M${x} 0V${middle}` : `M${at(other)} 0C${at(other)} ${middle} ${x} 0 ${x} ${middle}`);
    if (goesOn) paths.push(`M${x} ${middle}V${high}`);
    const picture = svg("svg", {width: wide, height: high});
    const size = 2.5 + 3 * Math.sqrt((line.percent ?? 0) / (most || 1));
    picture.append(svg("path", {class: "wire", d: paths.join("")}), svg("circle", {class: `f-${line.family}`, cx: x, cy: middle, r: size}));
    return picture;
  };
  const bar = line => {
    const picture = svg("svg", {viewBox: "0 0 100 8", preserveAspectRatio: "none"});
    picture.append(svg("rect", {class: `f-${line.family}`, width: 100 * (line.percent ?? 0) / (most || 1), height: 8}));
    const made = cell("share", "");
    made.append(picture);
    return made;
  };
  const name = line => {
    const made = cell("name", "");
    if (line.from == null || !document.getElementById("timeline")) { made.textContent = line.name; return made; }
    const link = document.createElement("a");
    link.href = "#timeline";
    link.textContent = line.name;
    Object.assign(link.dataset, {from: line.from, to: line.to, type: line.type});
    made.append(link);
    return made;
  };
  const rows = lines.map(line => {
    const row = document.createElement("div");
    const known = line.percent != null;
    row.className = known ? "line" : "line unseen";
    row.title = [line.name, line.type, line.shape].filter(Boolean).join(" · ");
    row.append(wires(line), name(line), cell("type", line.type), cell("shape", line.shape), bar(line),
      cell("n", known ? `${line.percent.toFixed(1)} %` : ""), cell("n us", line.us == null ? "" : `${line.us.toFixed(1)} µs`), cell("n dram", line.dram));
    return row;
  });
  host.style.setProperty("--wide", `${wide}px`);
  host.replaceChildren(...rows);
};
