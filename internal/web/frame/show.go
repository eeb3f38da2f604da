package frame

import (
	"bytes"
	"embed"
	"html/template"
	"io/fs"
	"net/http"
	"path"
	"slices"
	"strconv"
	"strings"
	"sync"
)

//go:embed templates/*.html
var frameTemplates embed.FS

// layout is the frame of every page, parsed once for each language.
type layout map[string]*template.Template

// Templates are the pages of one room, parsed once for each language: NAME.html is a page, which defines "title" and
// "content", and files that begin with _ are parts that all its pages have.
type Templates struct {
	f     *Frame
	pages map[string]*template.Template // by language and name
}

// functions are what templates of a language can call.
func (f *Frame) functions(l *Language) template.FuncMap {
	return template.FuncMap{
		"t": l.T, "text": l.Text, "n": l.N, "number": l.Number, "rank": l.Rank, "when": l.When, "exactly": l.WhenExactly,
		"lang": func() string { return l.Code }, "name": func(s string) Name { return Name(s) },
		"asset": f.assets.url, "serves": f.Serves, "languages": func() []*Language { return f.words.languages },
	}
}

func (f *Frame) readLayout() layout {
	all := layout{}
	for _, l := range f.words.languages {
		all[l.Code] = template.Must(template.New("layout").Funcs(f.functions(l)).ParseFS(frameTemplates, "templates/_*.html"))
	}
	return all
}

// Templates parses the templates/*.html of a room. It panics if one cannot be read: tests show that.
func (f *Frame) Templates(room string, files fs.FS) *Templates {
	t := &Templates{f: f, pages: map[string]*template.Template{}}
	found, err := fs.Glob(files, "templates/*.html")
	if err != nil {
		panic("frame: " + room + ": " + err.Error())
	}
	var parts []string
	for _, file := range found {
		if strings.HasPrefix(path.Base(file), "_") {
			parts = append(parts, file)
		}
	}
	for _, l := range f.words.languages {
		for _, file := range found {
			if strings.HasPrefix(path.Base(file), "_") {
				continue
			}
			page := template.Must(f.layout[l.Code].Clone())
			page = template.Must(page.ParseFS(files, append([]string{file}, parts...)...))
			t.pages[l.Code+" "+strings.TrimSuffix(path.Base(file), ".html")] = page
		}
	}
	return t
}

// Page is what a handler shows.
type Page struct {
	Template string // the name of one of the room's templates
	Data     any    // for the template, as .Data
	Status   int    // 200 if 0
	Scripts  []string
	// Wrong is whether the page says in a summary what is wrong with what was sent: the focus is moved there.
	Wrong bool
	// Booth leaves out everything that leads away from the page.
	Booth bool
	// Public lets search engines list the page, and caches keep it as the header that the handler has set says; other
	// pages are kept nowhere.
	Public bool
	// Refresh is after how many seconds a browser loads the page again; 0: never.
	Refresh int
	// Frames are the origins whose pages may show this one in a frame, as in Content-Security-Policy; empty: none may.
	Frames []string
	// Wide lets the content take the whole width, for tables.
	Wide bool
	// Bare leaves out header and footer: for projectors and frames.
	Bare bool
}

// view is what templates get.
type view struct {
	Page
	Open     bool   // nothing guards the node
	SignedIn bool   // there is a token in the browser
	Path     string // of the page, for links to other languages; empty after a form, and where it is none of this node
	Request  string // the request's id
}

var buffers = sync.Pool{New: func() any { return new(bytes.Buffer) }}

// maxPooledBytes bounds the buffers that are kept: few pages are larger.
const maxPooledBytes = 256 << 10

// Show writes a page as a whole: if the template fails, nothing is written.
func (t *Templates) Show(w http.ResponseWriter, r *http.Request, p Page) error {
	if p.Wrong {
		p.Scripts = append(slices.Clone(p.Scripts), "problems.js")
	}
	v := view{Page: p, Open: t.f.Open(), SignedIn: t.f.value(r, deskCookie) != "", Request: RequestID(r)}
	if r.Method == http.MethodGet || r.Method == http.MethodHead {
		v.Path = Local(r.URL.Path, "")
	}
	b := buffers.Get().(*bytes.Buffer)
	defer func() {
		if b.Cap() <= maxPooledBytes {
			buffers.Put(b)
		}
	}()
	b.Reset()
	page := t.pages[Words(r).Code+" "+p.Template]
	if page == nil {
		panic("frame: there is no template " + p.Template)
	}
	if err := page.ExecuteTemplate(b, "layout", v); err != nil {
		return err
	}
	header := w.Header()
	p.secure(header)
	header.Set("Content-Type", "text/html; charset=utf-8")
	header.Set("Content-Length", strconv.Itoa(b.Len()))
	header.Set("Content-Language", Words(r).Code)
	status := p.Status
	if status == 0 {
		status = http.StatusOK
	}
	w.WriteHeader(status)
	_, _ = w.Write(b.Bytes()) // a browser that has gone away gets nothing
	return nil
}

// begin sets what every answer of a page has, whatever comes of it; Show says more.
func begin(header http.Header, v *visit) {
	header.Set("X-Request-Id", v.id)
	header.Set("Content-Security-Policy", "default-src 'none'; base-uri 'none'; frame-ancestors 'none'; form-action 'none'")
	header.Set("Referrer-Policy", "same-origin")
	header.Set("X-Content-Type-Options", "nosniff")
	header.Set("X-Frame-Options", "DENY")
	header.Set("Cross-Origin-Opener-Policy", "same-origin")
	header.Set("Cross-Origin-Resource-Policy", "same-origin")
	header.Set("Permissions-Policy", "camera=(), microphone=(), geolocation=(), payment=(), browsing-topics=()")
	header.Set("Cache-Control", "no-store")
	header.Set("X-Robots-Tag", "noindex")
	header.Add("Vary", "Accept-Language, Cookie")
}

// secure says what a page may load and who may show it. There is no inline style or script on any page.
func (p *Page) secure(header http.Header) {
	scripts := "'none'"
	if len(p.Scripts) > 0 {
		scripts = "'self'"
	}
	ancestors := "'none'"
	if len(p.Frames) > 0 {
		ancestors = strings.Join(p.Frames, " ")
		header.Del("X-Frame-Options")
		header.Set("Cross-Origin-Resource-Policy", "cross-origin")
	}
	header.Set("Content-Security-Policy", "default-src 'none'; style-src 'self'; script-src "+scripts+"; img-src 'self'; connect-src 'self'; "+
		"form-action 'self'; base-uri 'none'; frame-ancestors "+ancestors+"; require-trusted-types-for 'script'; trusted-types 'none'")
	if p.Public {
		header.Del("X-Robots-Tag")
	}
}
