"""The page of the hand-out in the typesetter's language. Each word on it comes as data."""

TEMPLATE = r"""
#let c = json(bytes(sys.inputs.content))
#let ink = rgb(c.ink)
#let quiet = rgb(c.quiet)
#let hair = 0.6pt + rgb(c.rule)
#set document(title: c.title, author: c.clinic, date: none)
#set page(
  paper: c.paper,
  margin: (x: 19mm, top: 14mm, bottom: 15mm),
  footer: context text(8.5pt, fill: quiet)[
    #c.for_whom #h(1fr) #c.day, page #counter(page).display() of #counter(page).final().first()
  ],
)
#set text(font: c.family, size: 11pt, lang: "en", region: "US", fill: ink, number-width: "tabular")
#set par(leading: 0.62em, spacing: 0.75em)
#set list(marker: text(fill: rgb(c.accent), [–]), spacing: 0.6em, indent: 0pt)
#show heading.where(level: 1): it => block(below: 9pt, text(22pt, weight: 600, it.body))
#show heading.where(level: 2): it => block(above: 0pt, below: 0pt, sticky: true, text(14pt, weight: 600, fill: rgb(c.accent), it.body))
#show heading.where(level: 3): it => block(above: 0pt, below: 6pt, text(11pt, weight: 600, it.body))
#let say(words) = block(above: 0pt, below: 9pt, text(13pt, words))
#let lines(them) = if them.len() > 0 { list(..them) }
#let gap = v(14pt, weak: true)
#let part(p, below) = {
  block(above: 0pt, below: 9pt, sticky: true, grid(
    columns: (auto, 1fr),
    heading(level: 2, p.title), align(right + bottom, text(10pt, fill: quiet, p.beside)),
  ))
  say(p.sentence)
  below
}

#heading(level: 1, c.title)
#text(fill: quiet)[For #c.for_whom #sym.dot.c #c.day#if c.clinic != "" [ #sym.dot.c #c.clinic]]

#v(15pt, weak: true)
#part(c.where, {
  if c.chart != "" { block(above: 10pt, below: 12pt, image(bytes(c.chart), format: "svg", width: 88%, alt: c.chart_words)) }
  table(
    columns: (auto, auto, 1fr),
    stroke: (x, y) => if y > 0 { (top: hair) },
    align: left + horizon,
    inset: (x: 0pt, y: 3.4pt),
    column-gutter: 14pt,
    table.header(..([What], [Now], [Against the days before]).map(h => text(9.5pt, fill: quiet, h))),
    ..c.facts.map(f => (f.label, text(weight: 600, f.value), text(10pt, fill: quiet, f.change))).flatten(),
  )
})

#gap
#part(c.changed, lines(c.changed.lines))

#gap
#block(breakable: false, part(c.ahead, {
  lines(c.ahead.lines)
  if c.weeks.len() > 0 {
    grid(
      columns: (1fr,) * c.weeks.len(),
      column-gutter: 12pt,
      ..c.weeks.map(w => block(fill: rgb(c.raised), radius: 4pt, inset: 11pt, width: 100%, {
        heading(level: 3, w.title)
        list(..w.lines)
      })),
    )
  }
}))

#if c.zones.len() > 0 {
  gap
  block(breakable: false, {
    grid(
      columns: (auto, 1fr),
      heading(level: 2, "When to ease back"), align(right + bottom, text(10pt, fill: quiet, "Pain while you run, from 0 to 10")),
    )
    table(
      columns: (auto, auto, 1fr),
      stroke: (x, y) => if y > 0 { (top: hair) },
      align: left + horizon,
      inset: (x: 0pt, y: 4.2pt),
      column-gutter: 14pt,
      table.header(..([Pain], [We call it], [What to do]).map(h => text(9.5pt, fill: quiet, h))),
      ..c.zones.map(z => (text(13pt, weight: 600, z.scores), text(weight: 600, z.name), z.says)).flatten(),
    )
    block(above: 6pt, c.settled)
  })
}
"""
