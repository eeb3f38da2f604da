package browser

import (
	"net/http"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"voted/client"
	"voted/internal/web"
	"voted/internal/web/frame"
)

// nasty is a title that pages must show as it is: markup, both directions of writing, and what is seldom in fonts.
const nasty = `<script>alert("1")</script> עברית & "Ünï" 𝒯`

// polls are the ids of polls that tests only look at, one for each state that pages differ in.
type polls struct {
	open, closed, hidden, scheduled, lot string
}

// exhibition makes these polls on the common site, once.
var exhibition = sync.OnceValues(func() (polls, error) {
	s, err := common()
	if err != nil {
		return polls{}, err
	}
	return s.exhibit()
})

func exhibits(t testing.TB) (*Site, polls) {
	t.Helper()
	all, err := exhibition()
	if err != nil {
		t.Fatal(err)
	}
	return Common(t), all
}

func (s *Site) exhibit() (polls, error) {
	p := polls{open: "show-open", closed: "show-closed", hidden: "show-hidden", scheduled: "show-scheduled", lot: "show-lot"}
	options := []client.PollOption{{ID: "ann", Title: "Ann"}, {ID: "bo", Title: nasty}, {ID: "cy", Title: "Cy"}}
	ctx, cancel := patient()
	defer cancel()
	for _, d := range []client.Definition{
		{ID: p.open, Eligibility: client.OnRoll, Quorum: 2},
		{ID: p.closed, Method: client.IRV},
		{ID: p.hidden, Results: client.ResultsAfterClose},
		{ID: p.scheduled, OpensAt: time.Now().Add(24 * time.Hour)},
		{ID: p.lot, TieBreak: client.TiesByLot},
	} {
		d.Title, d.Options = "Board "+nasty, options
		if _, err := s.Client.CreatePoll(ctx, d); err != nil {
			return p, err
		}
		if d.Eligibility == client.OnRoll {
			if _, err := s.Client.LoadRoll(ctx, d.ID, slices.Values([]client.RollEntry{{Voter: "v-1", Weight: 3}, {Voter: "v-2"}, {Voter: "v-3"}}), nil); err != nil {
				return p, err
			}
		}
		if d.ID == p.scheduled {
			continue
		}
		for voter, choice := range map[string]string{"v-1": "ann", "v-2": "bo", "v-3": "ann"} {
			ballot := client.Choose(choice)
			if d.Method == client.IRV {
				ballot = client.Rank(choice, "cy")
			}
			if _, err := s.Client.Cast(ctx, d.ID, voter, ballot); err != nil {
				return p, err
			}
		}
	}
	for _, id := range []string{p.closed, p.lot} {
		if _, err := s.Client.ClosePoll(ctx, id); err != nil {
			return p, err
		}
	}
	return p, nil
}

// routes are all routes of the pages.
func routes() []frame.Route {
	return web.New(web.Options{API: http.NotFoundHandler()}).Routes()
}

// place is a page that can be gone to.
type place struct {
	name string // for people and files
	path string
	role string // that opens it; "voter" has the voting link of voter v-1, "" needs nothing
}

// variable is a variable in a route's pattern.
var variable = regexp.MustCompile(`\{(\w+)(?:\.\.\.)?\}`)

// streams are answers that do not end, or that are no pages.
var streams = []string{"GET /assets/{hash}/{name}", "GET /polls/{poll}/live", "GET /console/live"}

// downloads are answers that are files and no pages.
var downloads = regexp.MustCompile(`\.(json|csv|txt|svg|png)$|/(ballots|proof|policy|backup|report|repeats)$|/download/`)

// fill is what stands for the variables of patterns besides the poll.
var fill = map[string]string{"code": "poll_not_found", "member": "n2", "id": "n2", "file": "results.csv"}

// places returns the pages of all routes that are read, each with a poll in which it has something to show. It fails
// the test at a route that it has no way to: then the tables above lack something.
func places(t testing.TB, p polls) (all []place) {
	t.Helper()
	for _, r := range routes() {
		method, path, _ := strings.Cut(r.Pattern, " ")
		if strings.HasSuffix(path, "}/{$}") {
			continue // another way to a page
		}
		path = strings.TrimSuffix(path, "{$}")
		if method != http.MethodGet || slices.Contains(streams, r.Pattern) || downloads.MatchString(path) {
			continue
		}
		for _, id := range []string{p.open, p.closed, p.hidden, p.scheduled, p.lot} {
			if !strings.Contains(path, "{poll}") && id != p.open {
				continue
			}
			unknown := ""
			filled := variable.ReplaceAllStringFunc(path, func(v string) string {
				name := variable.FindStringSubmatch(v)[1]
				switch {
				case name == "poll":
					return id
				case fill[name] == "":
					unknown = name
				}
				return fill[name]
			})
			if unknown != "" {
				t.Fatalf("the tests have nothing for {%s} in %s: put it into fill, streams or downloads", unknown, r.Pattern)
			}
			name := strings.Trim(strings.ReplaceAll(strings.ReplaceAll(filled, "/", "-"), ":", ""), "-")
			if name == "" {
				name = "home"
			}
			all = append(all, place{name: name, path: filled, role: opener(r)})
		}
	}
	if len(all) < 30 {
		t.Fatalf("there are only %d places", len(all))
	}
	return all
}

// opener is the role that opens the pages of a group.
func opener(r frame.Route) string {
	switch r.Group {
	case frame.Manage, frame.Console:
		return "admin"
	case frame.Results:
		return "reader"
	case frame.Vote:
		return "voter"
	}
	return ""
}

// lookedAt are places of which each kind of page has one or two: not every page of every poll.
func lookedAt(all []place, p polls) (few []place) {
	ended := regexp.MustCompile(`/(lot|delete|certificate)$`)
	states := regexp.MustCompile(`^/(polls|manage)/[^/]+$|^/vote/[^/]+/(ballot|receipt)$`)
	for _, at := range all {
		poll := at.poll()
		if poll == "" || ended.MatchString(at.path) && poll == p.lot || !ended.MatchString(at.path) && (poll == p.open || states.MatchString(at.path)) {
			few = append(few, at)
		}
	}
	return few
}

// visitor opens a tab that may see the places of a role: it has the cookie that signing in, or a voting link, gives.
func (s *Site) visitor(t testing.TB, look Look, at place) *Tab {
	t.Helper()
	p := Open(t, look)
	switch poll := at.poll(); {
	case at.role == "" || at.role == "voter" && poll == "":
	case at.role == "voter":
		p.Cookie(s.URL("/vote/"+poll), "__Secure-voted-vote", s.Credential(t, poll, "v-1"), "/vote/"+poll)
	default:
		p.Cookie(s.URL("/"), "__Host-voted-desk", s.TokenOf(at.role), "/")
	}
	return p
}

// poll is the poll that a place is about, "" for none.
func (at place) poll() string {
	if parts := strings.Split(at.path, "/"); len(parts) > 2 && strings.HasPrefix(parts[2], "show-") {
		return parts[2]
	}
	return ""
}

func TestThereIsAPlaceForEveryRoute(t *testing.T) {
	t.Parallel()
	p := polls{"show-open", "show-closed", "show-hidden", "show-scheduled", "show-lot"}
	all := places(t, p)
	kind := func(at place) string { return strings.ReplaceAll(at.path, at.poll(), "{poll}") }
	kinds := map[string]bool{}
	for _, at := range lookedAt(all, p) {
		kinds[kind(at)] = true
	}
	for _, at := range all {
		if at.poll() != "" && !kinds[kind(at)] {
			t.Errorf("no %s is looked at", kind(at))
		}
	}
}
