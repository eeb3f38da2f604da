package chart

import (
	"encoding/xml"
	"math"
	"strconv"
	"strings"
)

// The colours, each with a contrast of 3:1 or more to white.
const (
	blue   = "#0072b2"
	orange = "#d55e00"
	grey   = "#767b85"
	ink    = "#16181d"
	track  = "#e7e9ee"
	white  = "#ffffff"
)

// svg is a drawing in the making.
type svg struct{ strings.Builder }

// attribute is a name and a value of an element, in turn.
func (s *svg) element(name string, attributes ...string) {
	s.open(name, attributes...)
	s.WriteString("/>")
}

func (s *svg) open(name string, attributes ...string) {
	s.WriteString("<" + name)
	for i := 0; i < len(attributes); i += 2 {
		s.WriteString(" " + attributes[i] + `="`)
		s.escape(attributes[i+1])
		s.WriteString(`"`)
	}
}

// escape writes text. What XML cannot hold becomes U+FFFD.
func (s *svg) escape(text string) { _ = xml.EscapeText(&s.Builder, []byte(text)) } // a Builder takes everything

// text writes a line of text. Its own direction of writing stays within it.
func (s *svg) text(x, y float64, class, text string, attributes ...string) {
	s.open("text", append([]string{"x", number(x), "y", number(y), "class", class, "unicode-bidi", "isolate"}, attributes...)...)
	s.WriteString(">")
	s.escape(text)
	s.WriteString("</text>")
}

func (s *svg) rect(x, y, width, height float64, class, fill string, attributes ...string) {
	s.element("rect", append([]string{
		"x", number(x), "y", number(y), "width", number(width), "height", number(height), "class", class, "fill", fill,
	}, attributes...)...)
}

// number writes a coordinate with two decimals at most.
func number(f float64) string {
	if math.IsNaN(f) || math.IsInf(f, 0) {
		f = 0
	}
	return strconv.FormatFloat(math.Round(f*100)/100, 'f', -1, 64)
}

func percent(share float64) string { return number(share*100) + "%" }

// share is which part of most a value is, from 0 to 1.
func share(value, most float64) float64 {
	s := value / most
	switch {
	case math.IsNaN(s) || s < 0:
		return 0
	case s > 1:
		return 1
	}
	return s
}

// most is the greatest of the values, 0 if none is positive.
func most[T any](all []T, value func(T) float64) (m float64) {
	for _, v := range all {
		if f := value(v); f > m && !math.IsInf(f, 1) {
			m = f
		}
	}
	return m
}

// Drawing is a whole chart.
type Drawing struct {
	width, height float64
	body          string
}

// Inline is the drawing as a part of an HTML page. It is hidden from those who listen to the page, which has the same
// as a table.
func (d Drawing) Inline() string {
	return d.tagged("", "class", "chart", "aria-hidden", "true", "focusable", "false")
}

// File is the drawing as a file of its own, with a title.
func (d Drawing) File(title string) []byte {
	var head svg
	head.open("title")
	head.WriteString(">")
	head.escape(title)
	head.WriteString("</title>")
	head.rect(0, 0, d.width, d.height, "ground", white)
	return []byte(xml.Header + d.tagged(head.String(), "xmlns", "http://www.w3.org/2000/svg", "role", "img") + "\n")
}

func (d Drawing) tagged(head string, attributes ...string) string {
	var s svg
	w, h := number(d.width), number(d.height)
	s.open("svg", append(attributes, "width", w, "height", h, "viewBox", "0 0 "+w+" "+h,
		"font-family", "system-ui, sans-serif", "font-size", number(fontSize), "fill", ink)...)
	s.WriteString(">" + head + d.body + "</svg>")
	return s.String()
}

// The measures of drawings, in pixels.
const (
	fontSize   = 16.0
	lineHeight = 21.0
	margin     = 16.0
	fullWidth  = 720.0
	barHeight  = 22.0
	rowGap     = 14.0
)

// wrapped breaks text into lines that are about as wide as width allows. Nothing is left out.
func wrapped(text string, width float64) (lines []string) {
	var line, word strings.Builder
	var lineWidth, wordWidth float64
	flush := func() {
		lines = append(lines, strings.TrimRight(line.String(), " "))
		line.Reset()
		lineWidth = 0
	}
	place := func() {
		if lineWidth > 0 && lineWidth+wordWidth > width {
			flush()
		}
		line.WriteString(word.String())
		lineWidth += wordWidth
		word.Reset()
		wordWidth = 0
	}
	for _, r := range text {
		w := widthOf(r)
		if wordWidth+w > width { // a word that is longer than a line
			place()
			flush()
		}
		word.WriteRune(r)
		wordWidth += w
		if r == ' ' {
			place()
		}
	}
	place()
	if line.Len() > 0 || len(lines) == 0 {
		flush()
	}
	return lines
}

// widthOf is about how wide a character is; nobody's fonts are known here.
func widthOf(r rune) float64 {
	switch {
	case r >= 0x1100: // most of what lies above is as wide as it is high
		return fontSize
	case strings.ContainsRune("iljtfrI.,:;'|! ", r):
		return fontSize * 0.34
	case r == 'm' || r == 'w' || r >= 'A' && r <= 'Z':
		return fontSize * 0.75
	}
	return fontSize * 0.58
}

func widthOfText(text string) (width float64) {
	for _, r := range text {
		width += widthOf(r)
	}
	return width
}
