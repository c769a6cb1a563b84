// Without scripts the page shows everything, and no filters.
for (const box of document.querySelectorAll("[data-filters]")) {
  const items = box.dataset.filters
    .split(" ")
    .map((id) => document.getElementById(id))
    .filter(Boolean)
    .flatMap((list) => [...list.children])
    .map((element) => ({ element, facets: JSON.parse(element.dataset.facets) }));
  const selects = [];
  for (const facet of ["kind", "class", "size", "source"]) {
    const values = [...new Set(items.flatMap((item) => item.facets[facet] ?? []))];
    if (values.length < 2) continue;
    const label = document.createElement("label");
    const select = document.createElement("select");
    select.append(new Option("all", ""), ...values.map((value) => new Option(value)));
    select.dataset.facet = facet;
    label.append(facet, select);
    box.append(label);
    selects.push(select);
  }
  const told = document.createElement("span");
  told.setAttribute("role", "status");
  box.append(told);
  const pictures = items.filter((item) => item.element.tagName === "FIGURE");
  const show = () => {
    for (const { element, facets } of items) {
      element.hidden = selects.some(
        ({ value, dataset }) => value && !(facets[dataset.facet] ?? []).includes(value)
      );
    }
    const left = pictures.filter((item) => !item.element.hidden).length;
    told.textContent = `${left} of ${pictures.length} pictures`;
  };
  for (const select of selects) select.addEventListener("change", show);
  box.hidden = selects.length === 0;
  show();
}
