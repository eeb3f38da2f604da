package api

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"voted/internal/profilefile"
)

// inFormats has ballots of each form, and what is exported of them in the formats that
// other programs read.
var inFormats = map[string]struct {
	poll, open, weight string
	ballots            []string
	formats            []string
}{
	"rankings": {
		`{"options":["ann","bo","cy"],"method":"schulze"}`, `{"options":["ann","bo","cy"],"method":"schulze","secrecy":"open"}`, `{"options":["ann","bo","cy"],"method":"schulze","eligibility":"roll"}`,
		[]string{`{"ranking":["cy",["ann","bo"]]}`, `{"ranking":["bo"]}`, `{"ranking":["ann","bo"]}`, `{"ranking":["bo"]}`},
		[]string{"cvr", "preflib", "blt", "abif", "rctab-csv"},
	},
	"choices": {
		`{"options":["ann","bo"],"method":"approval"}`, `{"options":["ann","bo"],"method":"approval","secrecy":"open"}`, `{"options":["ann","bo"],"method":"approval","eligibility":"roll"}`,
		[]string{`{"selections":["ann","bo"]}`, forBo, forBo, forAnn},
		[]string{"cvr", "preflib", "abif"},
	},
	"scores": {
		scored, `{"options":["ann","bo"],"method":"score","secrecy":"open"}`, `{"options":["ann","bo"],"method":"score","eligibility":"roll"}`,
		[]string{`{"scores":{"ann":5,"bo":0}}`, `{"scores":{"bo":1}}`, `{"scores":{"bo":1}}`, `{"scores":{"ann":2}}`},
		[]string{"cvr", "abif"},
	},
}

// withoutTime is an export without the time at which it was written.
func withoutTime(body string) string {
	if before, rest, ok := strings.Cut(body, `"GeneratedDate":"`); ok {
		_, after, _ := strings.Cut(rest, `"`)
		return before + after
	}
	lines := strings.Split(body, "\n")
	return strings.Join(slices.DeleteFunc(lines, func(line string) bool { return strings.Contains(line, " DATE: ") }), "\n")
}

func TestExportsForOtherProgramsAreSortedByContentAndNameNoVoter(t *testing.T) {
	t.Parallel()
	for name, c := range inFormats {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			// Given the same ballots in two orders, in a secret poll and in an open one
			one, other := newRig(t), newRig(t)
			one.poll("p", c.poll)
			other.poll("p", c.open)
			for i := range c.ballots {
				one.cast("p", fmt.Sprint("voter-", i), c.ballots[i])
				other.cast("p", fmt.Sprint("voter-", len(c.ballots)-i), c.ballots[len(c.ballots)-1-i])
			}
			one.close("p")
			for _, f := range c.formats {
				// when they are exported, then nothing but the ballots shows
				i := slices.IndexFunc(exportFormats, func(x format) bool { return x.name == f })
				mediaType := exportFormats[i].mediaType
				a := one.do("GET", "/v1/polls/p/ballots?format="+f, "").want(200).has("Content-Type", mediaType).has("Vary", "Accept").
					lacks("voter").lacks("cast_at").lacks("2026-12-01T12")
				if b := other.do("GET", "/v1/polls/p/ballots", "", "Accept", mediaType).want(200); withoutTime(a.body) != withoutTime(b.body) {
					t.Errorf("%s depends on the order of casting:\n%s\n%s", f, a.body, b.body)
				}
				one.do("HEAD", "/v1/polls/p/ballots?format="+f, "").want(200).has("Content-Type", mediaType)
				found, err := profilefile.Read(strings.NewReader(a.body), profilefile.Asked{})
				if err != nil || found.Kind != profilefile.Kind(f) || found.Ballots() != int64(len(c.ballots)) || len(found.Groups) != 3 {
					t.Errorf("%s is read as %+v: %v", f, found, err)
				}
			}
		})
	}
}

func TestWeightsBecomeCounts(t *testing.T) {
	t.Parallel()
	for name, c := range inFormats {
		g := newRig(t)
		g.poll("p", c.weight)
		g.upload("p", `{"voter":"v0","weight":3}`+"\n"+`{"voter":"v1","weight":40}`).want(200)
		g.cast("p", "v0", c.ballots[0])
		g.cast("p", "v1", c.ballots[1])
		g.close("p")
		for _, f := range c.formats {
			a := g.do("GET", "/v1/polls/p/ballots?format="+f, "").want(200)
			found, err := profilefile.Read(strings.NewReader(a.body), profilefile.Asked{})
			if err != nil || found.Ballots() != 43 {
				t.Errorf("%s in %s: %v\n%s", name, f, err, a.body)
			}
		}
	}
}

func TestAFormatThatHasNoFormForTheBallotsIsRefusedWithThoseThatThereAre(t *testing.T) {
	t.Parallel()
	for name, c := range inFormats {
		g := newRig(t)
		g.poll("p", c.poll)
		g.cast("p", "v", c.ballots[0])
		g.close("p")
		for _, f := range exportFormats[2:] {
			if slices.Contains(c.formats, f.name) {
				continue
			}
			a := g.do("GET", "/v1/polls/p/ballots?format="+f.name, "").want(406).code("not_acceptable")
			if !strings.Contains(a.body, "The format "+f.name+" does not do here: ") || !strings.Contains(a.body, "There are ndjson, csv, cvr, preflib, blt, abif or rctab-csv.") {
				t.Errorf("%s: %s", name, a.body)
			}
			g.do("HEAD", "/v1/polls/p/ballots?format="+f.name, "").want(406)
		}
	}
}

func TestResultsAreWrittenInTheFormatThatIsAskedFor(t *testing.T) {
	t.Parallel()
	g := newRig(t)
	g.poll("p", `{"title":"Board","options":[{"id":"ann","title":"Ann"},"bo","cy"],"method":"irv"}`)
	for i, b := range []string{`{"ranking":["ann"]}`, `{"ranking":["bo"]}`, `{"ranking":["cy","bo"]}`} {
		g.cast("p", fmt.Sprint("v", i), b)
	}
	const results = "/v1/polls/p/results"
	tags := map[string]bool{}
	for _, c := range []struct{ format, mediaType, contentType, holds string }{
		{"json", mediaJSON, mediaJSON, `"rounds":[`},
		{"csv", "text/csv", "text/csv", "id,title,round 1"},
		{"pairs", "text/x-pairs-csv", "text/x-pairs-csv", "ann,Ann,,1"},
		{"rctab", "application/x-rctab+json", "application/x-rctab+json", `"jsonFormatVersion": "1"`},
		{"report", "text/plain", "text/plain; charset=utf-8", "Board\n====="},
	} {
		a := g.do("GET", results+"?format="+c.format, "").want(200).has("Content-Type", c.contentType).has("Vary", "Accept").holds(c.holds)
		if b := g.do("GET", results+"?consistency=stale", "", "Accept", c.mediaType).want(200); a.body != b.body {
			t.Errorf("%s by Accept is\n%s, by the query\n%s", c.format, b.body, a.body)
		}
		tag := a.header.Get("Etag")
		if tags[tag] {
			t.Errorf("%s has the tag %s of another format", c.format, tag)
		}
		tags[tag] = true
		for known := range tags {
			want := 200
			if known == tag {
				want = 304
			}
			g.do("GET", results+"?format="+c.format, "", "If-None-Match", known).want(want)
		}
	}
	g.do("GET", results+"?format=report", "").want(200).holds("log index")
	g.close("p")
	g.do("GET", results+"?format=report", "").want(200).holds("closed, final").lacks("log index")
}

func TestFormatsOfResultsThatAreNotProduced(t *testing.T) {
	t.Parallel()
	g := newRig(t)
	g.poll("p", twoOptions)
	g.poll("h", hiddenRevotable)
	const all = "json, csv, pairs, rctab or report."
	g.do("GET", "/v1/polls/p/results?format=xml", "").want(400).code("malformed_request").holds("format must be " + all)
	g.do("GET", "/v1/polls/p/results?format=pairs", "").want(406).code("not_acceptable").holds("compares no pairs").holds(all).has("Etag", "")
	g.do("GET", "/v1/polls/p/results?format=rctab", "").want(406).code("not_acceptable").holds("made of rounds")
	g.do("GET", "/v1/polls/p/results", "", "Accept", "text/html").want(406).holds("text/x-pairs-csv").holds("?format= takes " + all)
	g.do("GET", "/v1/polls/p/results", "", "Accept", "text/html, */*;q=0.1").want(200).has("Content-Type", mediaJSON)
	for _, f := range resultFormats {
		g.do("GET", "/v1/polls/h/results?format="+f.name, "").want(403).code("results_hidden")
	}
	for _, f := range exportFormats {
		g.do("GET", "/v1/polls/h/ballots?format="+f.name, "").want(403).code("results_hidden")
	}
}
