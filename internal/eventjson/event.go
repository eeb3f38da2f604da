// Package eventjson renders events of the journal as JSON: for whoever asks for them, and for
// receivers of webhooks. An event is rendered from the state when it is read.
package eventjson

import (
	"context"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"voted/internal/moment"
	"voted/internal/poll"
)

// envelope is an event in the form of CloudEvents 1.0 (JSON format, structured mode), with
// extensions: sequence and index, and for webhooks previous and timestamp, which Standard
// Webhooks asks for. Numbers are strings there, as CloudEvents has no integers of 64 bits.
type envelope struct {
	SpecVersion string         `json:"specversion"`
	ID          string         `json:"id"`
	Source      string         `json:"source"`
	Type        string         `json:"type"`
	Subject     string         `json:"subject,omitempty"`
	Time        string         `json:"time"`
	Timestamp   string         `json:"timestamp,omitempty"`
	Sequence    string         `json:"sequence,omitempty"`
	Index       string         `json:"index,omitempty"`
	Data        jsontext.Value `json:"data"`
}

// ID names an event forever: no two clusters share one.
func ID(cluster string, number uint64) string {
	return "evt_" + cluster + "_" + strconv.FormatUint(number, 10)
}

// ParseID reads what ID wrote; ok is false for an id of another cluster.
func ParseID(id, cluster string) (number uint64, ok bool) {
	digits, ok := strings.CutPrefix(id, "evt_"+cluster+"_")
	number, err := strconv.ParseUint(digits, 10, 63)
	return number, ok && err == nil
}

// Results tells how closed polls ended.
type Results interface {
	// Closed returns the results of a closed poll as one line of JSON, without its end. The
	// caller must not change it.
	Closed(ctx context.Context, info poll.Info) ([]byte, error)
}

// Renderer renders the events of a cluster.
type Renderer struct {
	Cluster string // its id
	Results Results
}

// Event renders an event from the state as it is. What cannot change any more is the same each
// time: the results of a closed poll are.
func (r Renderer) Event(ctx context.Context, e poll.Event, about About) (jsontext.Value, error) {
	shown := r.envelope(e)
	data, err := r.data(ctx, e, about)
	if err != nil {
		return nil, err
	}
	if shown.Data, err = json.Marshal(data); err != nil {
		return nil, err
	}
	return json.Marshal(shown)
}

func (r Renderer) envelope(e poll.Event) envelope {
	shown := r.envelopeOf(ID(r.Cluster, e.Number), e.Kind.String(), e.At)
	shown.Sequence, shown.Index = strconv.FormatUint(e.Number, 10), strconv.FormatUint(e.Index, 10)
	if e.Poll != "" {
		shown.Subject = "polls/" + e.Poll
	}
	return shown
}

// envelopeOf is that of an event which may be in no journal.
func (r Renderer) envelopeOf(id, kind string, at int64) envelope {
	return envelope{SpecVersion: "1.0", ID: id, Source: "/voted/" + r.Cluster, Type: kind, Time: timeText(at)}
}

func timeText(ms int64) string { return string(moment.AppendText(nil, ms)) }
