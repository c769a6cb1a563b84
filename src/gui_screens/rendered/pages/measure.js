// Reads the widgets of the page: what is visible of each, in CSS pixels of the viewport.
() => {
  const HIDE_BELOW = 0.6;
  const style = document.createElement("style");
  style.textContent = "* { pointer-events: auto !important }";
  document.head.append(style);

  const rectOf = (el) => {
    if (el.getClientRects().length === 0) return { x: 0, y: 0, w: 0, h: 0 };
    if (el.dataset.w === "icon") return glyphRect(el);
    const r = el.getBoundingClientRect();
    let box = { x: r.left, y: r.top, w: r.width, h: r.height };
    if (el.dataset.box) box = pseudoRect(el, r);
    if (el.dataset.thumb) {
      box.y += (box.h - +el.dataset.thumb) / 2;
      box.h = +el.dataset.thumb;
    }
    if (el.dataset.grow) {
      const [gx, gy] = el.dataset.grow.split(" ").map(Number);
      box = { x: box.x - gx, y: box.y - gy, w: box.w + 2 * gx, h: box.h + 2 * gy };
    }
    return box;
  };

  // An icon is as large as its strokes, not as the empty square around them.
  const glyphRect = (el) => {
    let [x0, y0, x1, y1] = [Infinity, Infinity, -Infinity, -Infinity];
    for (const s of el.querySelectorAll("path,circle,rect,line,polyline,polygon,ellipse")) {
      const css = getComputedStyle(s);
      if (css.fill === "none" && css.stroke === "none") continue;
      const pad = css.stroke === "none" ? 0.5 : 1;
      const r = s.getBoundingClientRect();
      x0 = Math.min(x0, r.left - pad); y0 = Math.min(y0, r.top - pad);
      x1 = Math.max(x1, r.right + pad); y1 = Math.max(y1, r.bottom + pad);
    }
    return { x: x0, y: y0, w: Math.max(0, x1 - x0), h: Math.max(0, y1 - y0) };
  };

  // Many frameworks paint check boxes as ::before of the label.
  const pseudoRect = (el, r) => {
    const css = getComputedStyle(el, el.dataset.box);
    const num = (name) => parseFloat(css[name]) || 0;
    const edges = (a, b) => css.boxSizing === "border-box" ? 0
      : num(`padding${a}`) + num(`padding${b}`) + num(`border${a}Width`) + num(`border${b}Width`);
    const base = el.offsetParent && getComputedStyle(el).position === "static"
      ? el.offsetParent.getBoundingClientRect() : r;
    return {
      x: base.left + num("left") + num("marginLeft"), y: base.top + num("top") + num("marginTop"),
      w: num("width") + edges("Left", "Right"), h: num("height") + edges("Top", "Bottom"),
    };
  };

  const clipOf = (el, box) => {
    let [x0, y0, x1, y1] = [0, 0, innerWidth, innerHeight];
    for (let p = el.parentElement; p && p !== document.body; p = p.parentElement) {
      const css = getComputedStyle(p);
      if (css.overflowX === "visible" && css.overflowY === "visible") continue;
      const r = p.getBoundingClientRect();
      x0 = Math.max(x0, r.left); y0 = Math.max(y0, r.top);
      x1 = Math.min(x1, r.right); y1 = Math.min(y1, r.bottom);
    }
    return { x0: Math.max(box.x, x0), y0: Math.max(box.y, y0),
      x1: Math.min(box.x + box.w, x1), y1: Math.min(box.y + box.h, y1) };
  };

  const belongs = (el, hit) => {
    if (!hit) return false;
    if (el.contains(hit) || hit.contains(el)) return true;
    const group = el.closest("[data-g]");
    return group !== null && group.contains(hit);
  };

  // The part of a box that nothing covers, as a rectangle, and its share of the whole.
  const visiblePart = (el, box) => {
    const c = clipOf(el, box);
    if (c.x1 - c.x0 < 1 || c.y1 - c.y0 < 1) return { share: 0 };
    const [nx, ny] = [9, 7];
    const [sx, sy] = [(c.x1 - c.x0) / nx, (c.y1 - c.y0) / ny];
    let seen = 0, [ix0, iy0, ix1, iy1] = [nx, ny, -1, -1];
    for (let i = 0; i < nx; i++) for (let j = 0; j < ny; j++) {
      const hit = document.elementFromPoint(c.x0 + (i + 0.5) * sx, c.y0 + (j + 0.5) * sy);
      if (!belongs(el, hit)) continue;
      seen += 1;
      ix0 = Math.min(ix0, i); ix1 = Math.max(ix1, i); iy0 = Math.min(iy0, j); iy1 = Math.max(iy1, j);
    }
    const share = (seen / (nx * ny)) * ((c.x1 - c.x0) * (c.y1 - c.y0)) / (box.w * box.h);
    if (seen === 0) return { share: 0 };
    return { share, x: c.x0 + ix0 * sx, y: c.y0 + iy0 * sy,
      w: (ix1 - ix0 + 1) * sx, h: (iy1 - iy0 + 1) * sy };
  };

  const shown = (el) => {
    const css = getComputedStyle(el);
    const r = el.dataset.w ? rectOf(el) : el.getBoundingClientRect();
    const [w, h] = el.dataset.w ? [r.w, r.h] : [r.width, r.height];
    return css.visibility !== "hidden" && css.display !== "none" && w > 0 && h > 0;
  };

  // Behind a veil everything stays, blurred beyond recognition.
  const veil = document.querySelector(".l-veil");
  const veiled = (el) => veil !== null && !veil.contains(el);

  // A sliver of a widget could be neither labelled nor ignored, so it is not shown at all.
  const widgets = () => [...document.querySelectorAll("[data-w]")].filter(shown);
  for (let round = 0; round < 3; round++) {
    let hidden = 0;
    for (const el of widgets()) {
      const part = visiblePart(el, rectOf(el));
      if (part.share < HIDE_BELOW && !veiled(el)) {
        const host = el.closest('[data-w="button"]') || el.closest("[data-g]") || el;
        host.style.visibility = "hidden";
        hidden += 1;
      }
    }
    if (hidden === 0) break;
  }

  const boxes = [];
  for (const el of widgets()) {
    const part = visiblePart(el, rectOf(el));
    if (part.share >= HIDE_BELOW) boxes.push([el.dataset.w, part.x, part.y, part.w, part.h]);
  }
  const forgotten = [...document.querySelectorAll("input,select,textarea,button,a,img,svg")]
    .filter((el) => shown(el) && !el.closest("[data-w]") && !el.closest("[data-g]"))
    .map((el) => el.outerHTML.slice(0, 120));
  style.remove();
  return { boxes, forgotten };
}
