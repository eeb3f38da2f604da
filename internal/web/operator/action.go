package operator

import (
	"encoding/json"
	"html/template"
	"net/http"
	"net/url"
	"strings"

	"voted/internal/web/frame"
)

// action is something that an admin does to the cluster: a page that says what it does and what can be lost afterwards,
// and the call of the API that its button sends. The API writes it into the audit log.
type action struct {
	name string // its words begin with operator.do.NAME
	path string
	// about returns the member that a request is about, "" if it is about none in particular.
	about func(r *http.Request) string
	// says is what it means for this cluster, in addition to what it means for any.
	says func(s *status, member string, l *frame.Language) []template.HTML
	// fields are the inputs of the form: member (choose one), id, peer.
	fields []string
	call   func(r *http.Request) frame.Call
	// then answers after the call; nil: with the console, which says that it was done.
	then func(room *Room, w http.ResponseWriter, r *http.Request, a *frame.Answer) error
}

func ofPath(r *http.Request) string  { return r.PathValue("id") }
func noMember(*http.Request) string  { return "" }
func written(r *http.Request) string { return strings.TrimSpace(r.PostForm.Get("id")) }

// actions are all there are. A restore and a recovery are not among them: who needs one should read the manual first.
var actions = []*action{
	{
		name: "leader", path: "/console/leader", about: func(r *http.Request) string { return r.FormValue("member") }, fields: []string{"member"},
		says: func(s *status, _ string, l *frame.Language) []template.HTML { return s.loss(s.turnout(""), l) },
		call: func(r *http.Request) frame.Call {
			to := map[string]string{}
			if id := r.PostForm.Get("member"); id != "" {
				to["id"] = id
			}
			return frame.Call{Method: http.MethodPost, Path: "/v1/cluster/leader", Body: object(to)}
		},
	},
	{
		name: "remove", path: "/console/members/{id}/remove", about: ofPath,
		says: func(s *status, member string, l *frame.Language) []template.HTML { return s.loss(s.turnout(member), l) },
		call: func(r *http.Request) frame.Call {
			return frame.Call{Method: http.MethodDelete, Path: "/v1/cluster/members/" + url.PathEscape(ofPath(r))}
		},
	},
	{
		name: "add", path: "/console/members", about: written, fields: []string{"id", "peer"},
		says: func(s *status, _ string, l *frame.Language) []template.HTML {
			t := s.turnout("")
			t.voting++ // before it answers
			return s.loss(t, l)
		},
		call: func(r *http.Request) frame.Call {
			return frame.Call{Method: http.MethodPost, Path: "/v1/cluster/members", Body: object(map[string]string{"id": written(r), "peer": strings.TrimSpace(r.PostForm.Get("peer"))})}
		},
	},
	{
		name: "token", path: "/console/token", about: written, fields: []string{"id"},
		call: func(r *http.Request) frame.Call {
			return frame.Call{Method: http.MethodPost, Path: "/v1/cluster/tokens", Body: object(map[string]string{"id": written(r)})}
		},
		then: (*Room).showToken,
	},
	{name: "pause", path: "/console/webhooks/{id}/pause", about: ofPath, call: pausing("true")},
	{name: "resume", path: "/console/webhooks/{id}/resume", about: ofPath, call: pausing("false")},
	{
		name: "backup", path: "/console/backup", about: noMember,
	},
}

func object(fields map[string]string) []byte {
	b, err := json.Marshal(fields)
	if err != nil {
		panic("operator: " + err.Error()) // strings are always written
	}
	return b
}

// actionPage is the page of an action.
type actionPage struct {
	Key     string // of its words
	Member  string
	Says    []template.HTML
	Fields  []string
	Members []member // to choose from
	Leader  string
	Path    string
}

// form serves the page of an action, to admins alone: for others the button would do nothing.
func (room *Room) form(a *action) frame.Serve {
	return func(w http.ResponseWriter, r *http.Request) error {
		if err := room.admitAdmin(r); err != nil {
			return err
		}
		s, err := room.status(r)
		if err != nil {
			return err
		}
		member := a.about(r)
		page := actionPage{Key: "operator.do." + a.name, Member: member, Fields: a.fields, Leader: s.Leader, Path: r.URL.Path}
		if a.path == "/console/members/{id}/remove" && s.find(member) == nil {
			return &frame.Problem{Status: http.StatusNotFound, Code: "member_not_found"}
		}
		if a.says != nil {
			page.Says = a.says(s, member, frame.Words(r))
		}
		for i := range s.Members {
			if m := &s.Members[i]; m.votes() && !m.away() && m.ID != s.Leader {
				page.Members = append(page.Members, *m)
			}
		}
		return room.pages.Show(w, r, frame.Page{Template: "action", Data: page})
	}
}

// act carries an action out.
func (room *Room) act(a *action) frame.Serve {
	return func(w http.ResponseWriter, r *http.Request) error {
		if err := room.Form(w, r); err != nil {
			return err
		}
		if a.call == nil {
			return room.download(w, r)
		}
		answer, err := room.Ask(r, a.call(r))
		if err != nil {
			return err
		}
		if a.then != nil {
			return a.then(room, w, r, answer)
		}
		return frame.SeeOther(w, r, "/console?"+url.Values{"done": {a.name}, "member": {a.about(r)}}.Encode())
	}
}

// download lets the API send a backup to the browser.
func (room *Room) download(w http.ResponseWriter, r *http.Request) error {
	w.Header().Set("Content-Disposition", `attachment; filename="voted.backup"`)
	return room.Pass(w, r, frame.Call{Path: "/v1/backup"})
}

// tokenPage shows a join token, this once.
type tokenPage struct {
	ID      string `json:"id"`
	Token   string `json:"token"`
	Expires string `json:"expires_at"`
}

func (room *Room) showToken(w http.ResponseWriter, r *http.Request, a *frame.Answer) error {
	var page tokenPage
	if err := a.Into(&page); err != nil {
		return err
	}
	return room.pages.Show(w, r, frame.Page{Template: "token", Data: page})
}

// restartPage says whether a member may be restarted.
type restartPage struct {
	Member string
	Risks  []string
	Away   bool
}

// restart answers for whoever upgrades machines one after the other.
func (room *Room) restart(w http.ResponseWriter, r *http.Request) error {
	s, err := room.status(r)
	if err != nil {
		return err
	}
	m := s.find(ofPath(r))
	if m == nil {
		return &frame.Problem{Status: http.StatusNotFound, Code: "member_not_found"}
	}
	return room.pages.Show(w, r, frame.Page{Template: "restart", Data: restartPage{Member: m.ID, Risks: m.RestartRisks, Away: m.away()}})
}

func (room *Room) admitAdmin(r *http.Request) error {
	who, err := room.Who(r)
	switch {
	case err != nil || len(who.Roles) == 0:
		return &frame.Problem{Status: http.StatusUnauthorized, Code: "unauthenticated"}
	case !who.Has("admin"):
		return &frame.Problem{Status: http.StatusForbidden, Code: "forbidden"}
	}
	return nil
}

func (s *status) find(id string) *member {
	for i := range s.Members {
		if s.Members[i].ID == id {
			return &s.Members[i]
		}
	}
	return nil
}

// turnout is how many members vote, and how many of those answer.
type turnout struct{ voting, answering int }

// turnout counts the voting members other than id.
func (s *status) turnout(without string) (t turnout) {
	for i := range s.Members {
		m := &s.Members[i]
		if !m.votes() || m.ID == without {
			continue
		}
		t.voting++
		if !m.away() {
			t.answering++
		}
	}
	return t
}

// loss says what the cluster can lose with such a turnout.
func (s *status) loss(t turnout, l *frame.Language) []template.HTML {
	needed := t.voting/2 + 1
	switch spare := t.answering - needed; {
	case spare < 0:
		return []template.HTML{l.T("operator.after.stops", t.voting, t.answering, needed)}
	case spare == 0:
		return []template.HTML{l.T("operator.after.none", t.voting, t.answering, needed)}
	default:
		return []template.HTML{l.T("operator.after.some", t.voting, t.answering, needed, spare)}
	}
}
