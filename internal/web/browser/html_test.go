package browser

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"
	"pgregory.net/rapid"

	"voted/client"
)

// faultsOf returns what is wrong with the HTML of a page: tags that do not match, ids that are there twice, references
// to ids that are not, controls without a label, labels without a control, headers of tables without a scope, and what
// each page must have.
func faultsOf(page string) (faults []string) {
	faults = unmatched(page)
	doc, err := html.Parse(strings.NewReader(page))
	if err != nil {
		return append(faults, err.Error())
	}
	c := census{ids: map[string]int{}, labelled: map[string]bool{}}
	c.walk(doc)
	for id, n := range c.ids {
		if n > 1 {
			faults = append(faults, fmt.Sprintf("the id %s is there %d times", id, n))
		}
	}
	for _, ref := range c.refs {
		if c.ids[ref] == 0 {
			faults = append(faults, fmt.Sprintf("there is no id %s, and something refers to it", ref))
		}
	}
	for _, control := range c.controls {
		if id := attribute(control, "id"); !c.inLabel[control] && !c.labelled[id] && attribute(control, "aria-label") == "" && attribute(control, "aria-labelledby") == "" {
			faults = append(faults, fmt.Sprintf("%s %s has no label", control.Data, attribute(control, "name")))
		}
	}
	for name, want := range map[string]int{"h1": 1, "title": 1, "main": 1} {
		if c.count[name] != want {
			faults = append(faults, fmt.Sprintf("%d %s, want %d", c.count[name], name, want))
		}
	}
	if c.lang == "" {
		faults = append(faults, "the page names no language")
	}
	return append(faults, c.faults...)
}

// void are the elements without an end.
var void = []atom.Atom{atom.Area, atom.Base, atom.Br, atom.Col, atom.Hr, atom.Img, atom.Input, atom.Link, atom.Meta, atom.Source, atom.Wbr}

// unmatched returns the first tag that does not match; a parser of HTML mends them silently.
func unmatched(page string) []string {
	var open []string
	for z := html.NewTokenizer(strings.NewReader(page)); ; {
		switch kind := z.Next(); kind {
		case html.ErrorToken:
			if len(open) > 0 {
				return []string{fmt.Sprintf("%s does not end", open[len(open)-1])}
			}
			return nil
		case html.StartTagToken:
			if token := z.Token(); !slices.Contains(void, token.DataAtom) {
				open = append(open, token.Data)
			}
		case html.EndTagToken:
			token := z.Token()
			if len(open) == 0 || open[len(open)-1] != token.Data {
				return []string{fmt.Sprintf("</%s> ends %v", token.Data, open)}
			}
			open = open[:len(open)-1]
		}
	}
}

// census is what a document has.
type census struct {
	ids      map[string]int
	refs     []string
	labelled map[string]bool // ids that a label names
	controls []*html.Node
	inLabel  map[*html.Node]bool
	count    map[string]int
	lang     string
	faults   []string
	label    int // how many labels the walk is in
}

func attribute(n *html.Node, name string) string {
	for _, a := range n.Attr {
		if a.Key == name {
			return a.Val
		}
	}
	return ""
}

func (c *census) walk(n *html.Node) {
	if c.count == nil {
		c.count, c.inLabel = map[string]int{}, map[*html.Node]bool{}
	}
	if n.Type == html.ElementNode {
		c.element(n)
	}
	if n.DataAtom == atom.Label {
		c.label++
		defer func() { c.label-- }()
	}
	for child := n.FirstChild; child != nil; child = child.NextSibling {
		c.walk(child)
	}
}

func (c *census) element(n *html.Node) {
	if n.Namespace == "" {
		c.count[n.Data]++
	}
	for _, a := range n.Attr {
		switch {
		case a.Key == "id":
			c.ids[a.Val]++
		case a.Key == "aria-labelledby" || a.Key == "aria-describedby" || a.Key == "aria-controls":
			c.refs = append(c.refs, strings.Fields(a.Val)...)
		case a.Key == "style" || strings.HasPrefix(a.Key, "on"):
			c.faults = append(c.faults, fmt.Sprintf("%s has %s=%q, which the policy blocks", n.Data, a.Key, a.Val))
		case a.Key == "href" && strings.HasPrefix(a.Val, "#"):
			c.refs = append(c.refs, a.Val[1:])
		}
	}
	switch n.DataAtom {
	case atom.Html:
		c.lang = attribute(n, "lang")
	case atom.Label:
		if id := attribute(n, "for"); id != "" {
			c.labelled[id] = true
			c.refs = append(c.refs, id)
		} else if !holdsControl(n) {
			c.faults = append(c.faults, "a label has no control")
		}
	case atom.Input, atom.Select, atom.Textarea:
		if attribute(n, "type") != "hidden" {
			c.controls = append(c.controls, n)
			c.inLabel[n] = c.label > 0
		}
	case atom.Th:
		if attribute(n, "scope") == "" {
			c.faults = append(c.faults, "a th has no scope")
		}
	}
}

func holdsControl(n *html.Node) bool {
	for d := range n.Descendants() {
		if d.DataAtom == atom.Input || d.DataAtom == atom.Select || d.DataAtom == atom.Textarea {
			return true
		}
	}
	return false
}

// textOf is the text of a document as it is shown, without its scripts.
func textOf(page string) (string, error) {
	doc, err := html.Parse(strings.NewReader(page))
	if err != nil {
		return "", err
	}
	var b strings.Builder
	for n := range doc.Descendants() {
		if n.Type == html.TextNode && n.Parent.DataAtom != atom.Script && n.Parent.DataAtom != atom.Style {
			b.WriteString(n.Data)
		}
	}
	return b.String(), nil
}

func TestEveryPageOfEveryVisitorIsValid(t *testing.T) {
	t.Parallel()
	s, p := exhibits(t)
	for _, at := range places(t, p) {
		for _, role := range visitors {
			a := s.send(t, http.MethodGet, at.path, role, "", nil)
			switch {
			case a.status >= 500:
				t.Errorf("%q opens %s: %d", role, at.path, a.status)
			case a.status == http.StatusSeeOther || a.status == http.StatusFound:
				continue
			case !strings.HasPrefix(a.header.Get("Content-Type"), "text/html"):
				t.Errorf("%q opens %s: %s", role, at.path, a.header.Get("Content-Type"))
			default:
				if faults := faultsOf(a.text); len(faults) > 0 {
					t.Errorf("%q opens %s: %q", role, at.path, faults)
				}
			}
		}
	}
}

func TestFaultsOfPagesAreFound(t *testing.T) {
	t.Parallel()
	page := func(body string) string {
		return `<!doctype html><html lang="en"><head><title>A</title></head><body><main><h1>A</h1>` + body + `</main></body></html>`
	}
	if faults := faultsOf(page(`<label for="a">A</label><input id="a"><label><input type="radio"> B</label><br>`)); len(faults) > 0 {
		t.Errorf("nothing is wrong with it, and it has %q", faults)
	}
	for body, want := range map[string]string{
		`<p><b>one</p></b>`:                  "</p> ends",
		`<p id="a"></p><p id="a"></p>`:       "2 times",
		`<label for="a">A</label>`:           "there is no id a",
		`<input name="x">`:                   "input x has no label",
		`<label>A</label>`:                   "a label has no control",
		`<table><tr><th>A</th></tr></table>`: "a th has no scope",
		`<h1>B</h1>`:                         "2 h1",
		`<p style="color:red"></p>`:          "which the policy blocks",
		`<a href="#there">A</a>`:             "there is no id there",
	} {
		if faults := strings.Join(faultsOf(page(body)), "\n"); !strings.Contains(faults, want) {
			t.Errorf("of %s it says %q, want %q", body, faults, want)
		}
	}
}

// title is any text that the API takes for a title.
func title() *rapid.Generator[string] {
	return rapid.OneOf(
		rapid.SampledFrom([]string{`</script><script>alert(1)</script>`, `"><img src=x onerror=alert(1)>`, `{{.}}`, `&lt;b&gt; &amp;`, `'+alert(1)+'`, "עברית (a) 1", "مرحبا 123", "👩🏽‍🚀", "𝒯𝓮𝔁𝓽", strings.Repeat("W", 1024)}),
		rapid.StringOfN(rapid.Rune(), 1, 100, 1024),
	)
}

// Whatever stands in titles, pages are valid and show the same text.
func TestAnyTitleIsShownAsItIs(t *testing.T) {
	t.Parallel()
	s := Common(t)
	n := 0
	rapid.Check(t, func(r *rapid.T) {
		n++
		d := client.Definition{ID: fmt.Sprintf("title-%d", n), Title: title().Draw(r, "title")}
		for i := range 3 {
			d.Options = append(d.Options, client.PollOption{ID: fmt.Sprintf("o-%d", i), Title: title().Draw(r, "option")})
		}
		if _, err := s.Client.CreatePoll(t.Context(), d); err != nil {
			r.Skip("no title: ", err) // which is what the API is for
		}
		for _, path := range []string{"/manage/" + d.ID, "/manage/" + d.ID + "/close", "/manage/" + d.ID + "/links"} {
			a := s.send(t, http.MethodGet, path, "admin", "", nil)
			if a.status != http.StatusOK {
				r.Fatalf("%s: %d", path, a.status)
			}
			if faults := faultsOf(a.text); len(faults) > 0 {
				r.Fatalf("%s: %q", path, faults)
			}
			if lost := notShown(a.text, d.Title); lost != "" {
				r.Fatalf("%s: %s", path, lost)
			}
			if strings.HasSuffix(path, d.ID) {
				for _, o := range d.Options {
					if lost := notShown(a.text, o.Title); lost != "" {
						r.Fatalf("%s: %s", path, lost)
					}
				}
			}
		}
	})
}

// notShown says that a page does not show a text; "" if it does.
func notShown(page, want string) string {
	text, err := textOf(page)
	if err != nil {
		return err.Error()
	}
	if !strings.Contains(text, want) {
		return fmt.Sprintf("it does not show %q", want)
	}
	return ""
}

func TestATextThatIsNotEscapedIsNoticed(t *testing.T) {
	t.Parallel()
	const evil = `</p><b>x</b>`
	page := `<!doctype html><html lang="en"><head><title>A</title></head><body><main><h1>A</h1><p>` + evil + `</p></main></body></html>`
	if len(faultsOf(page)) == 0 || notShown(page, evil) == "" {
		t.Error("a page with markup of a title in it passes")
	}
}
