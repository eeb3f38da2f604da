package operator

import (
	"net/http"
	"strings"
	"time"

	"github.com/go-json-experiment/json"

	"voted/internal/web/frame"
)

// cluster is what the API says, as far as the pages show it: an event of /v1/cluster/stream has the same.
type cluster struct {
	Status  *status `json:"status"`
	Problem string  `json:"problem"` // why there is no status
	History past    `json:"history"`
}

type status struct {
	Leader      string    `json:"leader"`
	Term        uint64    `json:"term"`
	Index       uint64    `json:"index"`
	Quorum      int       `json:"quorum"`
	CanLose     int       `json:"can_lose"`
	Members     []member  `json:"members"`
	FormatLevel uint32    `json:"format_level"`
	Summary     string    `json:"summary"`
	Findings    []finding `json:"findings"`
}

type member struct {
	ID           string    `json:"id"`
	Peer         string    `json:"peer"`
	API          string    `json:"api"`
	Role         string    `json:"role"`
	State        string    `json:"state"`
	Applied      uint64    `json:"applied_index"`
	LagEntries   uint64    `json:"lag_entries"`
	LagSeconds   float64   `json:"lag_seconds"`
	Ballots      float64   `json:"ballots_per_second"`
	P50          float64   `json:"cast_p50_ms"`
	P99          float64   `json:"cast_p99_ms"`
	Digest       string    `json:"digest"`
	Version      string    `json:"version"`
	Free         uint64    `json:"free_bytes"`
	Low          bool      `json:"disk_low"`
	AwaySince    time.Time `json:"away_since"`
	RestartRisks []string  `json:"restart_risks"`
}

func (m *member) votes() bool { return m.Role == "voter" }
func (m *member) away() bool  { return m.State == "unreachable" }

type finding struct {
	Kind   string `json:"kind"`
	Member string `json:"member"`
	Text   string `json:"text"`
}

type past struct {
	Node    string    `json:"node"`
	Now     time.Time `json:"now"`
	Samples []sample  `json:"samples"`
	Events  []event   `json:"events"`
}

type sample struct {
	At       time.Time `json:"at"`
	Counted  uint64    `json:"counted"`
	Replaced uint64    `json:"replaced"`
	Replayed uint64    `json:"replayed"`
	Refused  uint64    `json:"refused"`
	Cast     *times    `json:"cast"`
	Commit   *times    `json:"commit"`
	Sync     *times    `json:"sync"`
	Clients  int       `json:"clients"`
	Streams  int       `json:"streams"`
}

type times struct {
	P50 float64 `json:"p50_ms"`
	P99 float64 `json:"p99_ms"`
}

type event struct {
	Seq  int       `json:"seq"`
	At   time.Time `json:"at"`
	Kind string    `json:"kind"`
	Text string    `json:"text"`
}

// look asks the API how the cluster is and was. Only whoever may see it gets an answer; a node that has no status yet
// shows its history all the same.
func (room *Room) look(r *http.Request) (*cluster, error) {
	var c cluster
	kept, err := room.Ask(r, frame.Call{Path: "/v1/cluster/history"})
	if err != nil {
		return nil, err
	}
	if err := kept.Into(&c.History); err != nil {
		return nil, err
	}
	c.Status, err = room.status(r)
	if frame.Is(err, "unavailable", "internal") {
		c.Problem, err = problemText(err), nil
	}
	return &c, err
}

// status asks the API how the cluster is.
func (room *Room) status(r *http.Request) (*status, error) {
	answer, err := room.Ask(r, frame.Call{Path: "/v1/cluster"})
	if err != nil {
		return nil, err
	}
	s := &status{}
	return s, answer.Into(s)
}

func read(data []byte) (*cluster, error) {
	c := &cluster{}
	return c, json.Unmarshal(data, c)
}

// meters are the metrics of the node that the console shows, by name with labels. Not everyone who may see the cluster
// may read them; it is empty then.
func (room *Room) meters(r *http.Request) map[string]string {
	all := map[string]string{}
	answer, err := room.Ask(r, frame.Call{Path: "/metrics"})
	if err != nil {
		return all
	}
	for line := range strings.Lines(string(answer.Body)) {
		name, value, ok := strings.Cut(strings.TrimSpace(line), " ")
		if ok && !strings.HasPrefix(line, "#") {
			all[name] = value
		}
	}
	return all
}
