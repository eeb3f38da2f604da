// Package stage serves a page of its own next to a cluster that is only there to be shown: it has a button that kills the
// leader, and the line that does not change by it. Nodes have no such button.
package stage

import (
	"context"
	"fmt"
	"html/template"
	"net"
	"net/http"
	"time"

	"voted/client"
	"voted/internal/localcluster"
	"voted/internal/thousands"
)

// KillPath is where the button sends its form.
const KillPath = "/kill-the-leader"

// askTimeout bounds what the page waits for: it is loaded again soon.
const askTimeout = 3 * time.Second

// Stage is the page of one cluster.
type Stage struct {
	cluster *localcluster.Cluster
	client  *client.Client
	server  *http.Server
	url     string
}

// OpenFor serves the page of a cluster on a port of its own, on loopback. The caller must call Close.
func OpenFor(cluster *localcluster.Cluster) (*Stage, error) {
	c, err := client.New(cluster.Endpoints(), cluster.ClientOptions()...)
	if err != nil {
		return nil, err
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		c.Close()
		return nil, fmt.Errorf("the page of the demonstration has no port: %w", err)
	}
	s := &Stage{cluster: cluster, client: c, url: "http://" + listener.Addr().String()}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", s.show)
	mux.HandleFunc("POST "+KillPath, s.kill)
	mux.HandleFunc("POST /start", s.start)
	s.server = &http.Server{Handler: s.guard(http.NewCrossOriginProtection().Handler(mux), listener.Addr().String()), ReadHeaderTimeout: askTimeout}
	go func() { _ = s.server.Serve(listener) }() // ends with Close
	return s, nil
}

// URL is where the page is.
func (s *Stage) URL() string { return s.url }

// Close ends the page.
func (s *Stage) Close() {
	_ = s.server.Close() // it only ends
	s.client.Close()
}

// guard refuses other names than the page's own: a page elsewhere could give this address a name.
func (s *Stage) guard(next http.Handler, host string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Host != host {
			http.Error(w, "this page is at "+s.url, http.StatusMisdirectedRequest)
			return
		}
		w.Header().Set("Content-Security-Policy", "default-src 'none'; style-src 'sha256-"+styleHash+"'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'")
		w.Header().Set("Cache-Control", "no-store")
		next.ServeHTTP(w, r)
	})
}

// page is what is shown.
type page struct {
	Leader string
	Nodes  []node
	Polls  []line
	Style  template.CSS
	Away   string // why the cluster could not be asked; empty if it could
}

type node struct {
	ID, Console    string
	Running, Leads bool
}

// line is the ledger of one poll in a line.
type line struct{ ID, State, Ballots, Repeated string }

func (s *Stage) show(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), askTimeout)
	defer cancel()
	p := page{Style: style}
	status, err := s.client.Cluster(ctx)
	if err != nil {
		p.Away = err.Error()
	}
	p.Leader = status.Leader
	for _, n := range s.cluster.Nodes {
		p.Nodes = append(p.Nodes, node{n.ID, n.URL + "/console", n.Running(), n.ID == status.Leader && n.Running()})
	}
	for poll, err := range s.client.Polls(ctx, client.PollsQuery{}) {
		if err != nil {
			p.Away = err.Error()
			break
		}
		if len(p.Polls) == maxLines {
			break
		}
		repeats, err := s.client.Repeats(ctx, poll.ID)
		if err != nil || poll.Ballots == nil {
			continue // its results are hidden, or it has just been deleted
		}
		p.Polls = append(p.Polls, line{poll.ID, string(poll.State), thousands.Int(*poll.Ballots), thousands.Int(repeats.Recognised)})
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	_ = shown.Execute(w, p) // a browser that has gone away gets nothing
}

// maxLines bounds the polls of the page.
const maxLines = 10

// kill kills the process that leads, as a power cut does: it can do nothing more.
func (s *Stage) kill(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), askTimeout)
	defer cancel()
	status, err := s.client.Cluster(ctx)
	if err == nil {
		err = fmt.Errorf("no node leads at the moment; try again")
		for _, n := range s.cluster.Nodes {
			if n.ID == status.Leader && n.Running() {
				err = n.Kill()
			}
		}
	}
	s.done(w, r, err)
}

// start starts all nodes that do not run.
func (s *Stage) start(w http.ResponseWriter, r *http.Request) {
	for _, n := range s.cluster.Nodes {
		if !n.Running() {
			if err := n.Restart(); err != nil {
				s.done(w, r, err)
				return
			}
		}
	}
	s.done(w, r, nil)
}

func (s *Stage) done(w http.ResponseWriter, r *http.Request, err error) {
	if err != nil {
		http.Error(w, err.Error(), http.StatusServiceUnavailable)
		return
	}
	http.Redirect(w, r, "/", http.StatusSeeOther)
}
