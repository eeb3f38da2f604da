package public

import (
	"bytes"
	"encoding/csv"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"voted/internal/resultjson"
	"voted/internal/web/frame"
)

// download is a file that results have.
type download struct {
	file  string // the last part of its path, and of the key of its words
	there func(l *look) bool
	make  func(m *Room, w http.ResponseWriter, r *http.Request, l *look) error
}

func always(l *look) bool { return l.results != nil }

var downloads = []download{
	{"results.json", always, passed("/results?format=json")},
	{"results.csv", always, optionsCSV},
	{"rounds.csv", func(l *look) bool { return always(l) && len(l.results.Rounds) > 0 }, guarded("/results?format=csv")},
	{"pairs.csv", func(l *look) bool { return always(l) && len(l.results.Pairwise) > 0 }, guarded("/results?format=pairs")},
	{"report.txt", always, passed("/results?format=report")},
	{"chart.svg", func(l *look) bool { return always(l) && l.results.Ballots > 0 }, chartSVG},
	{"ballots.ndjson", func(l *look) bool { return always(l) && l.poll.exports() }, passed("/ballots?format=ndjson")},
	{"ballots.csv", func(l *look) bool { return always(l) && l.poll.exports() }, passed("/ballots?format=csv")},
}

// downloads are the links to what there is.
func (s *speaker) downloads(l *look) []link {
	var all []link
	for _, d := range downloads {
		if d.there(l) {
			all = append(all, link{d.file, l.base + "/download/" + d.file, s.Text("public.download." + d.file)})
		}
	}
	return all
}

// download serves a file.
func (m *Room) download(w http.ResponseWriter, r *http.Request) error {
	l, err := m.look(r)
	i := slices.IndexFunc(downloads, func(d download) bool { return d.file == r.PathValue("file") })
	switch {
	case err != nil:
		return notThere(err)
	case l.hidden:
		return &frame.Problem{Status: http.StatusForbidden, Code: "results_hidden"}
	case i < 0 || !downloads[i].there(l):
		return &frame.Problem{Status: http.StatusNotFound, Code: "not_found"}
	}
	d := downloads[i]
	w.Header().Set("Content-Disposition", `attachment; filename="`+l.poll.ID+"-"+d.file+`"`) // an id needs no escape
	if l.poll.Audience == "anyone" {
		w.Header().Set("Cache-Control", "public, max-age=1")
		w.Header().Del("Set-Cookie") // the visitor's language: a cache would give it to everybody
	}
	return d.make(m, w, r, l)
}

// passed lets the API answer.
func passed(path string) func(m *Room, w http.ResponseWriter, r *http.Request, l *look) error {
	return func(m *Room, w http.ResponseWriter, r *http.Request, _ *look) error {
		return notThere(m.f.Pass(w, r, frame.Call{Path: pathOf(r) + path}))
	}
}

// guarded is the API's table, with cells that no spreadsheet takes for formulas.
func guarded(path string) func(m *Room, w http.ResponseWriter, r *http.Request, l *look) error {
	return func(m *Room, w http.ResponseWriter, r *http.Request, _ *look) error {
		a, err := m.f.Ask(r, frame.Call{Path: pathOf(r) + path})
		if err != nil {
			return notThere(err)
		}
		rows, err := csv.NewReader(bytes.NewReader(a.Body)).ReadAll()
		if err != nil {
			return err
		}
		return sendCSV(w, rows)
	}
}

// optionsCSV has a row for each option.
func optionsCSV(_ *Room, w http.ResponseWriter, _ *http.Request, l *look) error {
	r, names := l.results, l.poll.names()
	kept := slices.DeleteFunc(slices.Clone(titled), func(x titledColumn) bool {
		return !slices.ContainsFunc(r.Options, func(o resultjson.Option) bool { return x.of(&o) != "" })
	})
	head := []string{"id", "title"}
	for _, x := range kept {
		head = append(head, x.key)
	}
	rows := [][]string{append(head, "won")}
	for i := range r.Options {
		o := &r.Options[i]
		row := []string{o.ID, names[o.ID]}
		for _, x := range kept {
			row = append(row, string(x.of(o)))
		}
		rows = append(rows, append(row, strconv.FormatBool(r.Certified && slices.Contains(r.Winners, o.ID))))
	}
	return sendCSV(w, rows)
}

func sendCSV(w http.ResponseWriter, rows [][]string) error {
	var b bytes.Buffer
	out := csv.NewWriter(&b)
	for _, row := range rows {
		for i, cell := range row {
			row[i] = inert(cell)
		}
	}
	if err := out.WriteAll(rows); err != nil {
		return err
	}
	w.Header().Set("Content-Type", "text/csv; charset=utf-8")
	_, _ = w.Write(b.Bytes()) // a browser that has gone away gets nothing
	return nil
}

// inert keeps a spreadsheet from taking a text for a formula. Numbers stay what they are.
func inert(cell string) string {
	if cell == "" || !strings.ContainsRune("=+-@\t\r", rune(cell[0])) {
		return cell
	}
	if _, err := strconv.ParseFloat(cell, 64); err == nil {
		return cell
	}
	return "'" + cell
}

// chartSVG is the view as a file.
func chartSVG(_ *Room, w http.ResponseWriter, r *http.Request, l *look) error {
	views, view := l.results.views(), r.URL.Query().Get("view")
	if !slices.Contains(views, view) {
		view = views[0]
	}
	w.Header().Set("Content-Type", "image/svg+xml")
	_, _ = w.Write(l.speaker(frame.Words(r)).drawing(l.results, view).File(l.poll.shown()))
	return nil
}
