// Package chart draws results as SVG: values in, text out, and nothing else. It knows nothing of polls.
//
// Two kinds of drawing are made. [Line], [Strip] and [Split] are single bars of a page, as wide as their place, whose
// names and numbers the page writes itself. A [Drawing] is a whole chart with its words, for a page or a file.
//
// Nothing has a style attribute, so that a page may forbid them: what is drawn stands in presentation attributes, and
// classes let a style sheet give other colours to a dark page. No colour says anything alone: a bar that is gained is
// hatched, a winner has a mark, and each bar has its number beside it.
//
// Any text is possible, and any number: what is not finite counts as 0, and lengths are bounded by their chart.
package chart
