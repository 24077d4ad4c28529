// Typesets formulas, colours code, draws charts, searches; the page reads without it.
"use strict";

const root = document.documentElement;
const css = name => {
  const probe = document.createElement("span");
  probe.style.color = `var(${name})`;
  document.body.append(probe);
  const color = getComputedStyle(probe).color;
  probe.remove();
  return color;
};

// ---- formulas
for (const element of document.querySelectorAll(".math"))
  katex.render(element.textContent, element, {
    displayMode: element.classList.contains("display"),
    throwOnError: false,
    strict: "ignore",
  });
function boxWideFormulas() {
  for (const element of document.querySelectorAll(".math:not(.display)")) {
    element.classList.remove("wide");
    const block = element.closest("p, li, td, th, h1, h2, h3, dd, blockquote") ?? document.body;
    if (element.getBoundingClientRect().right > block.getBoundingClientRect().right + 1)
      element.classList.add("wide");
  }
}
boxWideFormulas();

// ---- code
for (const code of document.querySelectorAll("pre code:not(.nohighlight)")) {
  const language = [...code.classList].find(name => name.startsWith("language-"))?.slice(9);
  if (language && hljs.getLanguage(language)) hljs.highlightElement(code);
}

// ---- charts: options come from the build, colours from the theme
const charts = [];
function axisColours(axis, soft, line) {
  return {
    ...axis,
    axisLabel: { color: soft, ...axis.axisLabel },
    nameTextStyle: { color: soft, ...axis.nameTextStyle },
    axisLine: { lineStyle: { color: line } },
    axisTick: { lineStyle: { color: line } },
    splitLine: { ...axis.splitLine, lineStyle: { color: line } },
  };
}
function drawCharts() {
  const ink = css("--ink"), soft = css("--soft"), line = css("--line"), sheet = css("--sheet");
  const dark = matchMedia("(prefers-color-scheme: dark)").matches;
  const isDark = root.dataset.theme ? root.dataset.theme === "dark" : dark;
  const palette = isDark
    ? ["#e6a17f", "#7fb7d6", "#93c99b", "#d6bd72", "#c6a8ec", "#e58fa8", "#8ad0c6", "#b0b0b0"]
    : ["#a1442c", "#2b6c93", "#3b7d4d", "#a3791a", "#6d4c9c", "#b04a6e", "#27807a", "#6b6b6b"];
  while (charts.length) charts.pop().dispose();
  for (const element of document.querySelectorAll(".chart")) {
    const option = JSON.parse(element.querySelector("script").textContent);
    let canvas = element.querySelector("div");
    if (!canvas) {
      canvas = document.createElement("div");
      canvas.style.height = element.style.height;
      element.append(canvas);
    }
    const chart = echarts.init(canvas, null, { renderer: "svg" });
    const all = axes => (Array.isArray(axes) ? axes.map(a => axisColours(a, soft, line)) : axisColours(axes, soft, line));
    chart.setOption({
      color: palette,
      backgroundColor: "transparent",
      textStyle: { fontFamily: getComputedStyle(document.querySelector(".bar")).fontFamily },
      ...option,
      ...(option.xAxis && { xAxis: all(option.xAxis) }),
      ...(option.yAxis && { yAxis: all(option.yAxis) }),
      legend: { textStyle: { color: ink }, pageTextStyle: { color: soft }, inactiveColor: line, ...option.legend },
      tooltip: { backgroundColor: sheet, borderColor: line, textStyle: { color: ink }, ...option.tooltip },
    });
    charts.push(chart);
  }
}
if (document.querySelector(".chart")) {
  drawCharts();
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", drawCharts);
}
let resizing;
addEventListener("resize", () => {
  clearTimeout(resizing);
  resizing = setTimeout(() => {
    boxWideFormulas();
    charts.forEach(chart => chart.resize());
  }, 120);
});

// ---- light and dark
document.querySelector(".bar .theme").addEventListener("click", () => {
  const dark = root.dataset.theme
    ? root.dataset.theme === "dark"
    : matchMedia("(prefers-color-scheme: dark)").matches;
  root.dataset.theme = dark ? "light" : "dark";
  try { localStorage.setItem("lemma-theme", root.dataset.theme); } catch { /* no storage: until the page is left */ }
  if (charts.length) drawCharts();
});

// ---- the menu on narrow screens
const menu = document.querySelector(".bar .menu");
menu.addEventListener("click", () =>
  menu.setAttribute("aria-expanded", document.body.classList.toggle("menu-open")));
addEventListener("keydown", event => {
  if (event.key === "Escape" && document.body.classList.contains("menu-open")) menu.click();
});
document.querySelector(".sidebar [aria-current]")?.scrollIntoView({ block: "center", behavior: "instant" });
scrollTo({ top: location.hash ? scrollY : 0, behavior: "instant" });

// ---- where one is on the page
const marks = new Map([...document.querySelectorAll(".contents a")].map(a => [decodeURIComponent(a.hash.slice(1)), a]));
if (marks.size) {
  const sections = [...marks.keys()].map(id => document.getElementById(id));
  const mark = () => {
    const passed = sections.filter(section => section.getBoundingClientRect().top < 140);
    const here = passed.at(-1) ?? sections[0];
    marks.forEach((a, id) => a.classList.toggle("here", id === here.id));
  };
  addEventListener("scroll", mark, { passive: true });
  mark();
}

// ---- search: every word must be found somewhere; where it is found says how much it counts
const input = document.querySelector(".search input");
const results = document.getElementById("results");
const FIELDS = [["id", 12], ["title", 8], ["zh", 8], ["keys", 4], ["text", 1]];
const fold = text => text.toLowerCase().normalize("NFKD").replace(/[\u0300-\u036f]/g, "");
let folded, selected = -1;

function loadIndex() {
  if (folded || document.querySelector("script[data-index]")) return;
  const script = document.createElement("script");
  script.src = root.dataset.root + "assets/search-index.js";
  script.dataset.index = "";
  script.onload = () => {
    folded = window.lemmaIndex.map(line => Object.fromEntries(FIELDS.map(([field]) => [field, fold(line[field])])));
    search();
  };
  document.head.append(script);
}
function score(line, words) {
  let total = 0;
  for (const word of words) {
    let best = 0;
    for (const [field, weight] of FIELDS) {
      const at = line[field].indexOf(word);
      if (at < 0) continue;
      const starts = at === 0 || !/[\p{L}\p{N}]/u.test(line[field][at - 1]);
      best = Math.max(best, weight * (line[field] === word ? 4 : starts ? 2 : 1));
    }
    if (!best) return 0;
    total += best;
  }
  return total;
}
function search() {
  const query = fold(input.value.trim());
  selected = -1;
  input.removeAttribute("aria-activedescendant");
  if (!query || !folded) return show([]);
  const words = query.split(/\s+/);
  show(folded
    .map((line, i) => ({ line: window.lemmaIndex[i], score: score(line, words) + score(line, [query]) }))
    .filter(hit => hit.score > 0)
    .sort((a, b) => b.score - a.score)
    .slice(0, 12), query);
}
function show(hits, query) {
  results.replaceChildren(...hits.map((hit, i) => {
    const item = document.createElement("li");
    item.id = "result-" + i;
    item.role = "option";
    const link = document.createElement("a");
    link.href = root.dataset.root + hit.line.page;
    link.tabIndex = -1;
    link.textContent = hit.line.title;
    const small = document.createElement("small");
    small.textContent = hit.line.id + " · " + hit.line.zh;
    link.append(small);
    item.append(link);
    return item;
  }));
  if (query && !hits.length) {
    const none = document.createElement("li");
    none.className = "none";
    none.textContent = "Nothing found · 没有结果";
    results.append(none);
  }
  results.hidden = !results.children.length;
  input.setAttribute("aria-expanded", !results.hidden);
}
function select(step) {
  const items = [...results.querySelectorAll("[role=option]")];
  if (!items.length) return;
  selected = (selected + step + items.length) % items.length;
  items.forEach((item, i) => item.setAttribute("aria-selected", i === selected));
  items[selected].scrollIntoView({ block: "nearest" });
  input.setAttribute("aria-activedescendant", items[selected].id);
}
input.addEventListener("focus", loadIndex);
input.addEventListener("input", () => { loadIndex(); search(); });
input.addEventListener("keydown", event => {
  if (event.key === "ArrowDown") select(1);
  else if (event.key === "ArrowUp") select(-1);
  else if (event.key === "Enter") results.querySelector(`#result-${Math.max(selected, 0)} a`)?.click();
  else if (event.key === "Escape") { input.value = ""; search(); }
  else return;
  event.preventDefault();
});
addEventListener("click", event => { if (!event.target.closest(".search")) show([]); });
addEventListener("keydown", event => {
  if (event.key === "/" && !/input|textarea/i.test(document.activeElement.tagName)) { event.preventDefault(); input.focus(); }
});
