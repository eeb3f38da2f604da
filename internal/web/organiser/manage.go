package organiser

import (
	"html"
	"net/http"
	"slices"
	"strings"

	"voted/internal/web/frame"
)

// managed is the page of one poll.
type managed struct {
	*poll
	Roll     *rollNumbers // nil without a roll
	Facts    []fact
	Warnings []string // keys of words
}

// At is the path of a page about the poll.
func (p *poll) At(page string) string { return at(p.ID, page) }

// Missing is how many voters are missing for the quorum; 0 if there is none, it is reached, or that is hidden.
func (p *poll) Missing() int {
	if p.Ballots == nil || *p.Ballots >= p.Quorum {
		return 0
	}
	return p.Quorum - *p.Ballots
}

// poll serves the page of one poll: how it stands, and what can be done.
func (o *Room) poll(w http.ResponseWriter, r *http.Request) error {
	if err := o.onlyAdmins(r); err != nil {
		return err
	}
	p, err := o.read(r)
	if err != nil {
		return err
	}
	n, err := o.readRoll(r, p)
	if err != nil {
		return err
	}
	page := &managed{poll: p, Roll: n, Facts: facts(&p.terms, p.Marking)}
	if p.State != "closed" {
		page.Warnings = warnings(&p.terms)
	}
	return o.show(w, r, "manage", http.StatusOK, page)
}

// links serves what an organiser sends to voters, and how voting links are made.
func (o *Room) links(w http.ResponseWriter, r *http.Request) error {
	if err := o.onlyAdmins(r); err != nil {
		return err
	}
	p, err := o.read(r)
	if err != nil {
		return err
	}
	origin := o.f.Origin(r)
	return o.show(w, r, "links", http.StatusOK, struct {
		*poll
		Origin string
		Frame  string // HTML that people copy: the template escapes it once more
	}{p, origin, `<iframe src="` + origin + "/polls/" + p.ID + `/embed" title="` + html.EscapeString(string(p.Name())) + `" width="100%" height="480"></iframe>`})
}

// export is a format in which the ballots of a poll can be had.
type export struct{ Name, End string } // as the API calls it; the end of the file's name

var exports = []export{
	{"csv", "csv"}, {"ndjson", "ndjson"}, {"cvr", "cvr.json"}, {"preflib", "txt"}, {"blt", "blt"}, {"abif", "abif"}, {"rctab-csv", "rctab.csv"},
}

// Key is the key of the format's words.
func (e export) Key() string { return "organiser.download." + strings.ReplaceAll(e.Name, "-", "_") }

// Formats are the formats of exports.
func (p *poll) Formats() []export { return exports }

// ballots passes the export of a poll's ballots on to the browser, as a file.
func (o *Room) ballots(w http.ResponseWriter, r *http.Request) error {
	format := r.URL.Query().Get("format")
	i := slices.IndexFunc(exports, func(e export) bool { return e.Name == format })
	if i < 0 {
		return &frame.Problem{Status: http.StatusBadRequest, Code: "malformed_request"}
	}
	w.Header().Set("Content-Disposition", `attachment; filename="`+r.PathValue("poll")+"-ballots."+exports[i].End+`"`)
	return o.f.Pass(w, r, frame.Call{Path: "/v1/polls/" + id(r) + "/ballots?format=" + format})
}
