package survey

import (
	"strings"
	"testing"
	"time"

	"voted/internal/poll"
)

func TestWhatIsWrongWithWebhooksIsSaidInWords(t *testing.T) {
	t.Parallel()
	has := func(id, key string, change ...func(*Webhooks)) Sighting {
		return with(well(id), func(m *Sighting) {
			w := &Webhooks{Key: key}
			for _, c := range change {
				c(w)
			}
			m.Report.Webhooks = w
		})
	}
	stopped := &poll.Endpoint{ID: "board", State: poll.EndpointStopped, Reason: poll.ReasonGone}
	refused := &poll.Endpoint{ID: "bot", State: poll.EndpointEnabled, Dead: []poll.DeadLetter{{Number: 1}, {Number: 2, Redelivered: true}, {Number: 3}}}
	for name, x := range map[string]struct {
		seen      Look
		endpoints []*poll.Endpoint
		want      []string // kind, member and a part of each sentence
	}{
		"nobody has a key file":             {Look{well("n1"), well("n2"), well("n3")}, nil, nil},
		"all have the same":                 {Look{has("n1", "a"), has("n2", "a"), has("n3", "a")}, nil, nil},
		"one has none":                      {Look{has("n1", "a"), well("n2"), has("n3", "a")}, nil, []string{"webhook_key n2 Start it with --webhook-key"}},
		"one has another":                   {Look{has("n1", "a"), has("n2", "b"), has("n3", "a")}, nil, []string{"webhook_key n2 Give it the file of the others"}},
		"one that is away has another":      {Look{has("n1", "a"), absent("n2"), has("n3", "a")}, nil, []string{"away n2 "}},
		"no file is that of most":           {Look{has("n1", "a"), has("n2", "b"), has("n3", "c")}, nil, []string{"webhook_key n1 the same file", "webhook_key n2 the same file", "webhook_key n3 the same file"}},
		"the leader holds them back":        {Look{has("n1", "a", func(w *Webhooks) { w.Withheld = "It says why." }), has("n2", "a"), has("n3", "a")}, nil, []string{"webhooks_withheld n1 delivers no webhooks. It says why."}},
		"one is a quarter of an hour late":  {Look{has("n1", "a", func(w *Webhooks) { w.Oldest = 15 * time.Minute }), has("n2", "a"), has("n3", "a")}, nil, []string{"webhooks_behind n1 that is 15m0s old"}},
		"one is late, and not yet too late": {Look{has("n1", "a", func(w *Webhooks) { w.Oldest = 15*time.Minute - 1 }), has("n2", "a"), has("n3", "a")}, nil, nil},
		"what a follower thinks is nothing": {Look{has("n1", "a"), has("n2", "a", func(w *Webhooks) { w.Oldest = time.Hour }), has("n3", "a")}, nil, nil},
		"one was disabled":                  {Look{has("n1", "a"), has("n2", "a"), has("n3", "a")}, []*poll.Endpoint{stopped}, []string{"webhook_disabled  board (it answered 410 Gone). Once their receivers work, let them go on where they stopped (voted webhook resume ID)."}},
		"one has dead letters":              {Look{has("n1", "a"), has("n2", "a"), has("n3", "a")}, []*poll.Endpoint{refused}, []string{"webhook_dead  did not take 2 events, which are not sent again by themselves: bot. Once their receivers work, have them sent again (voted webhook redeliver ID --after"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			look := inspect(x.seen...)
			look.Endpoints = x.endpoints
			got := look.Findings()
			if len(got) != len(x.want) {
				t.Fatalf("%+v, want %q", got, x.want)
			}
			for i, f := range got {
				kind, rest, _ := strings.Cut(x.want[i], " ")
				member, part, _ := strings.Cut(rest, " ")
				if f.Kind != kind || f.Member != member || !strings.Contains(f.Text, part) {
					t.Errorf("%+v, want %q", f, x.want[i])
				}
			}
		})
	}
}
