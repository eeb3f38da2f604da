package frame

import (
	"embed"
	"html"
	"html/template"
	"io/fs"
	"maps"
	"net/http"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"golang.org/x/text/feature/plural"
	"golang.org/x/text/language"
	"golang.org/x/text/message"
)

// A catalogue of words is a folder of this file system, named by its language. Each file is of one room: an object of
// keys and texts. Another language is another folder, and no code. In a text
//
//	{0}, {1}   stand for arguments,
//	**bold**   is bold on a page.
//
// A text that depends on a number has a key for each form that the language has: key.one, key.other.
//
//go:embed words
var wordFiles embed.FS

// langCookie keeps the language that was chosen on a page. It is no secret.
const langCookie = "voted-lang"

// catalogue has the words of all languages.
type catalogue struct {
	languages []*Language // the default first
	matcher   language.Matcher
}

// Language has the words of one language. Its methods panic on a key that it does not have: tests look for all of them.
type Language struct {
	Code    string // as in HTML's lang: "en"
	tag     language.Tag
	texts   map[string]string
	printer *message.Printer
}

func readCatalogue() catalogue {
	folders, err := fs.ReadDir(wordFiles, "words")
	if err != nil {
		panic("frame: " + err.Error())
	}
	var c catalogue
	for _, folder := range folders {
		c.languages = append(c.languages, readLanguage(folder.Name()))
	}
	slices.SortStableFunc(c.languages, func(a, b *Language) int { // English is the default
		switch {
		case a.Code == "en":
			return -1
		case b.Code == "en":
			return 1
		}
		return strings.Compare(a.Code, b.Code)
	})
	var tags []language.Tag
	for _, l := range c.languages {
		tags = append(tags, l.tag)
	}
	c.matcher = language.NewMatcher(tags)
	return c
}

func readLanguage(code string) *Language {
	tag := language.MustParse(code)
	l := &Language{Code: code, tag: tag, texts: map[string]string{}, printer: message.NewPrinter(tag)}
	files, err := fs.Glob(wordFiles, path.Join("words", code, "*.json"))
	if err != nil {
		panic("frame: " + err.Error())
	}
	for _, name := range files {
		b, err := wordFiles.ReadFile(name)
		if err != nil {
			panic("frame: " + err.Error())
		}
		var texts map[string]string
		if err := json.Unmarshal(b, &texts); err != nil {
			panic("frame: " + name + ": " + err.Error())
		}
		for key, text := range texts {
			if _, twice := l.texts[key]; twice {
				panic("frame: " + name + ": " + key + " is in another file, too")
			}
			l.texts[key] = text
		}
	}
	return l
}

// find returns a language by its code, nil if there is none.
func (c *catalogue) find(code string) *Language {
	for _, l := range c.languages {
		if l.Code == code {
			return l
		}
	}
	return nil
}

// choose returns the language of a request: of ?lang=, which is kept in a cookie; of that cookie; or the best of
// Accept-Language.
func (c *catalogue) choose(w http.ResponseWriter, r *http.Request) *Language {
	if l := c.find(r.URL.Query().Get("lang")); l != nil {
		if dest := r.Header.Get("Sec-Fetch-Dest"); dest != "" && dest != "document" {
			return l // a script or a frame asked, and not a person
		}
		http.SetCookie(w, &http.Cookie{Name: langCookie, Value: l.Code, Path: "/", MaxAge: 365 * 24 * 3600, SameSite: http.SameSiteLaxMode})
		return l
	}
	if kept, err := r.Cookie(langCookie); err == nil {
		if l := c.find(kept.Value); l != nil {
			return l
		}
	}
	wanted, _, err := language.ParseAcceptLanguage(r.Header.Get("Accept-Language"))
	if err != nil || len(wanted) == 0 {
		return c.languages[0]
	}
	_, at, _ := c.matcher.Match(wanted...)
	return c.languages[at]
}

// Name is a text that a person wrote, such as a title. In words on a page it is set apart, so that its direction of
// writing does not turn the sentence around.
type Name string

// T returns words as HTML: arguments are escaped, and a [Name] stands in <bdi>.
func (l *Language) T(key string, args ...any) template.HTML {
	text := html.EscapeString(l.text(key))
	for bold := true; strings.Contains(text, "**"); bold = !bold {
		tag := "<strong>"
		if !bold {
			tag = "</strong>"
		}
		text = strings.Replace(text, "**", tag, 1)
	}
	return template.HTML(l.fill(text, args, func(arg any) string { // every part is escaped
		switch a := arg.(type) {
		case template.HTML:
			return string(a)
		case Name:
			return "<bdi>" + html.EscapeString(string(a)) + "</bdi>"
		}
		return html.EscapeString(l.plain(arg))
	}))
}

// Text returns words as plain text, for titles and attributes.
func (l *Language) Text(key string, args ...any) string {
	return l.fill(strings.ReplaceAll(l.text(key), "**", ""), args, l.plain)
}

// N is T for words that depend on a number, which is argument {0}.
func (l *Language) N(key string, n int, args ...any) template.HTML {
	return l.T(l.form(key, n), slices.Concat([]any{n}, args)...)
}

// TextN is Text for words that depend on a number, which is argument {0}.
func (l *Language) TextN(key string, n int, args ...any) string {
	return l.Text(l.form(key, n), slices.Concat([]any{n}, args)...)
}

var forms = map[plural.Form]string{
	plural.Zero: "zero", plural.One: "one", plural.Two: "two", plural.Few: "few", plural.Many: "many", plural.Other: "other",
}

func (l *Language) form(key string, n int) string { return l.formOf(plural.Cardinal, key, n) }

func (l *Language) formOf(rules *plural.Rules, key string, n int) string {
	exact := key + "." + forms[rules.MatchPlural(l.tag, n%1_000_000, 0, 0, 0, 0)]
	if l.Has(exact) {
		return exact
	}
	return key + ".other"
}

// Ordinal is a rank: "1st" in words.
type Ordinal int

// Rank writes a place in an order: "1st".
func (l *Language) Rank(n any) string {
	switch n := n.(type) {
	case int:
		return l.ordinal(Ordinal(n))
	case Ordinal:
		return l.ordinal(n)
	}
	return l.plain(n)
}

func (l *Language) ordinal(n Ordinal) string {
	return l.Text(l.formOf(plural.Ordinal, "frame.ordinal", int(n)), int(n))
}

// Has reports whether the language has a key.
func (l *Language) Has(key string) bool {
	_, ok := l.texts[key]
	return ok
}

func (l *Language) text(key string) string {
	text, ok := l.texts[key]
	if !ok {
		panic("frame: there are no words for " + key + " in " + l.Code)
	}
	return text
}

// fill puts arguments into a text.
func (l *Language) fill(text string, args []any, write func(any) string) string {
	if !strings.Contains(text, "{") {
		return text
	}
	args = flat(args)
	var b strings.Builder
	for {
		before, after, found := strings.Cut(text, "{")
		b.WriteString(before)
		if !found {
			return b.String()
		}
		number, rest, _ := strings.Cut(after, "}")
		n, err := strconv.Atoi(number)
		if err != nil || n >= len(args) {
			panic("frame: words in " + l.Code + " want an argument that is not given: {" + number + "}")
		}
		b.WriteString(write(args[n]))
		text = rest
	}
}

// flat puts the elements of a list in the place of the list: templates cannot spread one.
func flat(args []any) (all []any) {
	for _, arg := range args {
		if list, ok := arg.([]any); ok {
			all = append(all, list...)
			continue
		}
		all = append(all, arg)
	}
	return all
}

// plain writes an argument as text: numbers with the language's separators, times to the minute in UTC.
func (l *Language) plain(arg any) string {
	switch a := arg.(type) {
	case string:
		return a
	case Name:
		return string(a)
	case template.HTML:
		return string(a)
	case int, int64, uint64, uint32:
		return l.printer.Sprintf("%d", a)
	case float64:
		return l.printer.Sprintf("%.1f", a)
	case time.Time:
		return l.Date(a) + " UTC"
	case Ordinal:
		return l.ordinal(a)
	}
	return l.printer.Sprint(arg)
}

// Number writes a whole number with the language's separators.
func (l *Language) Number(n any) string { return l.printer.Sprintf("%d", n) }

// Date writes a time to the minute, in UTC: "1 December 2026, 20:00".
func (l *Language) Date(at time.Time) string {
	at = at.UTC()
	return l.Text("frame.date", strconv.Itoa(at.Day()), l.month(at.Month()), strconv.Itoa(at.Year()), at.Format("15:04"))
}

// Second writes a time to the second, in UTC.
func (l *Language) Second(at time.Time) string {
	at = at.UTC()
	return l.Text("frame.date", strconv.Itoa(at.Day()), l.month(at.Month()), strconv.Itoa(at.Year()), at.Format("15:04:05"))
}

func (l *Language) month(m time.Month) string { return l.text("frame.month." + strconv.Itoa(int(m))) }

// When is a time on a page: in UTC, and in the browser's own time where there is script (times.js).
func (l *Language) When(at time.Time) template.HTML { return l.when(at, "minute", l.Date(at)) }

// WhenExactly is When to the second.
func (l *Language) WhenExactly(at time.Time) template.HTML { return l.when(at, "second", l.Second(at)) }

func (l *Language) when(at time.Time, to, text string) template.HTML {
	return template.HTML(`<time datetime="` + at.UTC().Format(time.RFC3339) + `" data-to="` + to + `">` + html.EscapeString(text) + " UTC</time>")
}

// keys are all keys, for tests.
func (l *Language) keys() []string { return slices.Sorted(maps.Keys(l.texts)) }
