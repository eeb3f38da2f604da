package chart

import (
	"bytes"
	"encoding/xml"
	"errors"
	"flag"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"

	"pgregory.net/rapid"
)

var writeGoldens = flag.Bool("golden.write", false, "write the drawings as they are now")

// faults lists what is wrong with a drawing, and returns its text.
func faults(drawing string) (wrong []string, text string) {
	var words strings.Builder
	d := xml.NewDecoder(strings.NewReader(drawing))
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			return wrong, words.String()
		}
		if err != nil {
			return append(wrong, "it is no XML: "+err.Error()), words.String()
		}
		switch t := token.(type) {
		case xml.CharData:
			words.Write(t)
			words.WriteString(" ")
		case xml.StartElement:
			wrong = append(wrong, elementFaults(t)...)
		}
	}
}

var known = map[string]bool{"svg": true, "title": true, "rect": true, "line": true, "path": true, "text": true}

func elementFaults(e xml.StartElement) (wrong []string) {
	if !known[e.Name.Local] {
		wrong = append(wrong, "there is an element "+e.Name.Local)
	}
	for _, a := range e.Attr {
		switch name := a.Name.Local; {
		case name == "style" || strings.HasPrefix(name, "on") || name == "href" || name == "id":
			wrong = append(wrong, "there is an attribute "+name)
		case strings.Contains(a.Value, "NaN") || strings.Contains(a.Value, "Inf"):
			wrong = append(wrong, name+" is "+a.Value)
		case name == "width" || name == "height":
			if f, err := strconv.ParseFloat(strings.TrimSuffix(a.Value, "%"), 64); err != nil || f < 0 || strings.HasSuffix(a.Value, "%") && f > 100 {
				wrong = append(wrong, name+" is "+a.Value)
			}
		}
	}
	return wrong
}

// written is text as a drawing can hold it, without what breaks it into lines.
func written(s string) string {
	s = strings.ToValidUTF8(s, "\uFFFD")
	s = strings.Map(func(r rune) rune {
		switch {
		case r == '\t' || r == '\n' || r == '\r' || r == ' ':
			return -1
		case r < 0x20 || r == 0xFFFE || r == 0xFFFF:
			return 0xFFFD
		}
		return r
	}, s)
	return s
}

var titles = rapid.OneOf(
	rapid.String(), rapid.StringN(0, 200, 1024),
	rapid.SampledFrom([]string{"", " ", "</script><script>alert(1)</script>", "]]>", "&amp;\"'", "\u202eevil", "\u200fשלום", "中文的很长的一个名字", "\x00\xff", strings.Repeat("x", 1024)}),
)

var counts = rapid.OneOf(rapid.Float64(), rapid.Float64Range(0, 1e19), rapid.SampledFrom([]float64{0, 1, math.Inf(1), math.Inf(-1), math.NaN(), math.MaxFloat64, -1}))

var anyBar = rapid.Custom(func(t *rapid.T) Bar {
	return Bar{titles.Draw(t, "name"), counts.Draw(t, "value"), counts.Draw(t, "gain"), titles.Draw(t, "label"), rapid.Bool().Draw(t, "strong")}
})

// anyDrawing makes a drawing, and returns it with the texts that it must show.
func anyDrawing(t *rapid.T) (Drawing, []string) {
	var shown []string
	bars := rapid.SliceOfN(anyBar, 0, 8).Draw(t, "bars")
	for _, b := range bars {
		shown = append(shown, b.Name)
	}
	switch rapid.IntRange(0, 4).Draw(t, "kind") {
	case 0:
		return Bars(bars), shown
	case 1:
		return Rounds([]Group{{Name: "a", Note: "out", Bars: bars}, {Name: "b"}}), shown
	case 2:
		var all []Rating
		for _, b := range bars {
			all = append(all, Rating{b, rapid.SliceOfN(rapid.Int64Min(0), 0, 12).Draw(t, "counts")})
		}
		return Ratings(all), shown
	case 3:
		names, cells := shown, make([][]Pair, len(shown))
		for i := range cells {
			for range names {
				cells[i] = append(cells[i], Pair{counts.Draw(t, "for"), counts.Draw(t, "against"), "1"})
			}
		}
		return Pairs(names, cells), shown
	}
	var columns [][]Node
	var bands [][]Band
	for range rapid.IntRange(0, 4).Draw(t, "columns") {
		column := make([]Node, len(bars))
		for i, b := range bars {
			column[i] = Node{Name: b.Name, Value: counts.Draw(t, "value"), Label: b.Label, Left: rapid.Bool().Draw(t, "left")}
		}
		columns = append(columns, column)
		bands = append(bands, []Band{{rapid.IntRange(-1, 9).Draw(t, "from"), rapid.IntRange(-1, 9).Draw(t, "to"), counts.Draw(t, "moved")}})
	}
	return Flow(columns, bands), nil
}

func TestAnyTextAndAnyNumberMakeADrawing(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		d, shown := anyDrawing(t)
		title := titles.Draw(t, "title")
		for kind, drawing := range map[string]string{"inline": d.Inline(), "file": string(d.File(title))} {
			wrong, text := faults(drawing)
			if len(wrong) > 0 {
				t.Fatalf("%s: %v\n%s", kind, wrong, drawing)
			}
			text = written(text)
			for _, name := range shown {
				if !strings.Contains(text, written(name)) {
					t.Fatalf("%s: %q is not shown\n%s", kind, name, drawing)
				}
			}
		}
		if math.IsNaN(d.width+d.height) || math.IsInf(d.width+d.height, 0) || d.height <= 0 {
			t.Fatalf("it is %v by %v", d.width, d.height)
		}
	})
}

func TestAnyBarOfAPageIsWithinItsPlace(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		b := anyBar.Draw(t, "bar")
		parts := []Part{{b.Value, false}, {b.Gain, true}, {counts.Draw(t, "third"), false}}
		for _, drawing := range []string{
			Line(b, counts.Draw(t, "most")), Strip(rapid.SliceOfN(rapid.Int64Min(0), 1, 1001).Draw(t, "counts")), Split(parts),
		} {
			if wrong, _ := faults(drawing); len(wrong) > 0 {
				t.Fatalf("%v\n%s", wrong, drawing)
			}
		}
	})
}

// The checks above would find what they look for.
func TestTheChecksOfDrawingsFindFaults(t *testing.T) {
	t.Parallel()
	for drawing, want := range map[string]string{
		`<svg style="x"/>`:                       "style",
		`<svg><script/></svg>`:                   "script",
		`<svg onload="x"/>`:                      "onload",
		`<svg width="NaN"/>`:                     "NaN",
		`<svg width="101%"/>`:                    "101%",
		`<svg height="-1"/>`:                     "-1",
		`<svg><text id="a">a</text></svg>`:       "id",
		`<svg><text>a</svg>`:                     "no XML",
		"<svg><text>\x01</text></svg>":           "no XML",
		`<svg><rect width="1e999"></rect></svg>`: "1e999",
	} {
		if wrong, _ := faults(drawing); len(wrong) == 0 || !strings.Contains(wrong[0], want) {
			t.Errorf("%s: %v, want %s", drawing, wrong, want)
		}
	}
}

func TestAThousandOptionsAndNoVotesAtAllAreDrawn(t *testing.T) {
	t.Parallel()
	bars := make([]Bar, 1024)
	for i := range bars {
		bars[i] = Bar{Name: fmt.Sprint("Option ", i), Label: "0"}
	}
	drawing := string(Bars(bars).File("None"))
	if wrong, text := faults(drawing); len(wrong) > 0 || !strings.Contains(text, "Option 1023") {
		t.Error(wrong)
	}
	if len(drawing) > 600_000 {
		t.Errorf("it has %d bytes", len(drawing))
	}
}

func TestNothingIsLeftOutWhereTextIsBrokenIntoLines(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		text, width := titles.Draw(t, "text"), rapid.Float64Range(20, 400).Draw(t, "width")
		lines := wrapped(text, width)
		if written(strings.Join(lines, "")) != written(text) {
			t.Fatalf("%q became %q", text, lines)
		}
		for _, line := range lines {
			if w := widthOfText(line); w > width+fontSize && utf8.RuneCountInString(line) > 1 {
				t.Fatalf("%q is %v wide, there is room for %v", line, w, width)
			}
		}
	})
}

func goldens() map[string]string {
	bars := []Bar{
		{Name: "Mary Peltola", Value: 75799, Label: "75,799 · 40.2 %", Strong: true},
		{Name: "Sarah Palin", Value: 58973, Label: "58,973 · 31.3 %"},
		{Name: "שלום & <b>", Value: 0, Label: "0"},
	}
	columns := [][]Node{
		{{Name: "Peltola", Value: 75799, Label: "75,799"}, {Name: "Palin", Value: 58973, Label: "58,973"}, {Name: "Begich", Value: 53810, Label: "53,810", Left: true}, {Name: "Inactive", Rest: true}},
		{{Name: "Peltola", Value: 91277, Label: "91,277", Won: true}, {Name: "Palin", Value: 86043, Label: "86,043"}, {}, {Name: "Inactive", Value: 11262, Label: "11,262", Rest: true}},
	}
	bands := [][]Band{{{0, 0, 75799}, {1, 1, 58973}, {2, 0, 15478}, {2, 1, 27070}, {2, 3, 11262}}}
	return map[string]string{
		"bars":  string(Bars(bars).File("Alaska <2022>")),
		"flow":  string(Flow(columns, bands).File("Alaska")),
		"pairs": string(Pairs([]string{"Ann", "Bo"}, [][]Pair{{{}, {6, 5, "6"}}, {{5, 6, "5"}, {}}}).File("Pairs")),
		"rounds": string(Rounds([]Group{
			{Name: "Ann", Strong: true, Note: "elected in round 2", Bars: []Bar{{Name: "1", Value: 40, Label: "40"}, {Name: "2", Value: 55, Gain: 15, Label: "55 (+15)"}}},
			{Name: "Bo", Note: "out in round 1", Bars: []Bar{{Name: "1", Value: 20, Label: "20"}}},
		}).File("Rounds")),
		"ratings": string(Ratings([]Rating{{Bar{Name: "Ann", Value: 3.5, Label: "3.5"}, []int64{1, 0, 4, 9, 2, 7}}, {Bar{Name: "Bo", Value: 0, Label: "0"}, nil}}).File("Scores")),
		"line":    Line(bars[0], 100000), "strip": Strip([]int64{1, 0, 9}), "split": Split([]Part{{6, false}, {2, true}, {4, false}}),
	}
}

// A person has looked at these. If a drawing changes, write it again with -golden.write and look at it.
func TestDrawingsAreThoseThatAPersonHasLookedAt(t *testing.T) {
	t.Parallel()
	for name, got := range goldens() {
		path := filepath.Join("testdata", name+".svg")
		if *writeGoldens {
			if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(path)
		if err != nil || !bytes.Equal(want, []byte(got)) {
			t.Errorf("%s is drawn otherwise, %v:\n%s", name, err, got)
		}
	}
}
