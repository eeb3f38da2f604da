package operator

import (
	"cmp"
	"embed"
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
	"time"

	"voted/internal/web/frame"
)

//go:embed templates/*.html
var files embed.FS

// Room has the pages.
type Room struct {
	*frame.Frame
	pages *frame.Templates
}

// New makes the room.
func New(f *frame.Frame) *Room { return &Room{Frame: f, pages: f.Templates("operator", files)} }

// Routes are the pages' routes.
func (room *Room) Routes() []frame.Route {
	routes := []frame.Route{
		{Pattern: "GET /console", Group: frame.Console, Serve: room.show},
		{Pattern: "GET /console/live", Group: frame.Console, Serve: room.live, Background: true},
		{Pattern: "GET /console/members/{id}/restart", Group: frame.Console, Serve: room.restart},
	}
	for _, a := range actions {
		routes = append(routes,
			frame.Route{Pattern: "GET " + a.path, Group: frame.Console, Serve: room.form(a)},
			frame.Route{Pattern: "POST " + a.path, Group: frame.Console, Serve: room.act(a)},
		)
	}
	return routes
}

// consolePage is the page, with what does not change while somebody watches.
type consolePage struct {
	*console
	Admin  bool
	Node   string
	Done   string // the action that was just carried out, the last part of the key of its words; empty: none
	On     string // the member that it was about
	Own    *own   // nil where the visitor may not read metrics
	Raw    string
	Others []row // the consoles of the other members
	Hooks  []hook
}

// spark is one sparkline.
type spark struct{ Name, Text, Line string }

// Sparks are the page's sparklines, in their order.
func (c *console) Sparks() (all []spark) {
	for _, name := range []string{"ballots", "cast", "commit", "sync"} {
		all = append(all, spark{name, c.Texts["spark."+name], c.Lines[name]})
	}
	return all
}

// own is what the metrics of the node say of it.
type own struct {
	BackupAt      time.Time // zero: it has made none
	BackupBytes   string
	BackupsFailed string
	Certificates  []certificate
	Refused       string // connections beyond limits
	Uploads       string
}

type certificate struct {
	Port string
	Ends time.Time
}

// show serves the console, from the node alone.
func (room *Room) show(w http.ResponseWriter, r *http.Request) error {
	c, err := room.look(r)
	if err != nil {
		return err
	}
	who, _ := room.Who(r) // the API has let them in
	page := consolePage{console: consoleOf(c, frame.Words(r)), Admin: who.Has("admin"), Node: c.History.Node, Own: ownOf(room.meters(r))}
	if done := r.URL.Query().Get("done"); frame.Words(r).Has("operator.do." + done + ".done") {
		page.Done, page.On = done, r.URL.Query().Get("member")
	}
	if page.Admin {
		page.Hooks = room.hooks(r)
	}
	for _, m := range page.Members {
		if !m.Self && m.API != "" {
			page.Others = append(page.Others, m)
		}
	}
	raw, err := json.MarshalIndent(c.Status, "", "  ")
	if err != nil {
		return err
	}
	page.Raw = string(raw)
	return room.pages.Show(w, r, frame.Page{Template: "console", Data: page, Scripts: []string{"times.js", "console.js"}, Wide: true})
}

// live streams the console to those who watch. What they are sent is made once for each language.
func (room *Room) live(w http.ResponseWriter, r *http.Request) error {
	l := frame.Words(r)
	r = room.Rendered(r, "console "+l.Code, func(data []byte) ([]byte, error) {
		c, err := read(data)
		if err != nil {
			return nil, err
		}
		return json.Marshal(consoleOf(c, l))
	})
	return room.Pass(w, r, frame.Call{Path: "/v1/cluster/stream"})
}

func ownOf(meters map[string]string) *own {
	if len(meters) == 0 {
		return nil
	}
	o := &own{
		BackupsFailed: meters["voted_backup_failures_total"], Uploads: meters["voted_bulk_uploads"],
		Refused: strconv.FormatFloat(number(meters[`voted_connections_refused_total{limit="total"}`])+number(meters[`voted_connections_refused_total{limit="address"}`]), 'f', -1, 64),
	}
	if at := number(meters["voted_backup_last_success_timestamp_seconds"]); at > 0 {
		o.BackupAt, o.BackupBytes = time.Unix(int64(at), 0), mib(number(meters["voted_backup_last_size_bytes"]))
	}
	for _, port := range []string{"api", "peer"} {
		if at := number(meters[`voted_certificate_expiry_timestamp_seconds{port="`+port+`"}`]); at > 0 {
			o.Certificates = append(o.Certificates, certificate{port, time.Unix(int64(at), 0)})
		}
	}
	return o
}

// number reads a metric, 0 if there is none.
func number(s string) float64 {
	f, _ := strconv.ParseFloat(s, 64)
	return f
}

func problemText(err error) string {
	var p *frame.Problem
	if !errors.As(err, &p) {
		return ""
	}
	return cmp.Or(p.Detail, p.Title, p.Code)
}
