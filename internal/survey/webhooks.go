package survey

import (
	"fmt"
	"time"

	"voted/internal/poll"
)

// behindLimit is how old an event may be that a webhook is still to get.
const behindLimit = 15 * time.Minute

// webhooks adds what is wrong with the delivery of webhooks.
func (f *findings) webhooks(x *Inspection) {
	right, all := x.Look.webhookKey()
	for i := range x.Look {
		m := &x.Look[i]
		if m.Err != nil {
			continue
		}
		w := m.Report.Webhooks
		switch {
		case w == nil && all == 0:
		case w == nil:
			f.add("webhook_key", m.ID, "%s has no key file for webhooks, and delivers none while it leads. Start it with --webhook-key and the file of the others.", m.ID)
		case right == "":
			f.add("webhook_key", m.ID, "%s has one of several key files for webhooks, and no file is that of most members: none are delivered. Give all members the same file.", m.ID)
		case w.Key != right:
			f.add("webhook_key", m.ID, "%s has another key file for webhooks than most members: receivers would refuse what it signs, so it delivers nothing. Give it the file of the others.", m.ID)
		}
		if w != nil && m.ID == x.Leader {
			f.delivery(m.ID, w)
		}
	}
	f.endpoints(x.Endpoints)
}

// delivery adds what is wrong with the member that delivers.
func (f *findings) delivery(id string, w *Webhooks) {
	if w.Withheld != "" {
		f.add("webhooks_withheld", id, "%s leads and delivers no webhooks. %s", id, w.Withheld)
	}
	if w.Oldest >= behindLimit {
		f.add("webhooks_behind", id, "A webhook is still to get an event that is %s old. voted webhook list shows which one fails, and why.", w.Oldest.Round(time.Minute))
	}
}

// endpoints adds the webhooks that were given up, and the events that were.
func (f *findings) endpoints(all []*poll.Endpoint) {
	var disabled, dead []string
	events := 0
	for _, e := range all {
		if e.State == poll.EndpointStopped {
			disabled = append(disabled, fmt.Sprintf("%s (%s)", e.ID, e.Reason))
		}
		if n := e.DeadNow(); n > 0 {
			dead = append(dead, e.ID)
			events += n
		}
	}
	if len(disabled) > 0 {
		f.add("webhook_disabled", "", "Nothing is sent to the webhooks that were disabled: %s. Once their receivers work, let them go on where they stopped (voted webhook resume ID).", some(disabled))
	}
	if len(dead) > 0 {
		f.add("webhook_dead", "", "Webhooks did not take %d events, which are not sent again by themselves: %s. Once their receivers work, have them sent again (voted webhook redeliver ID --after NUMBER).", events, some(dead))
	}
}

// webhookKey returns the key file that more members have than any other, "" where no file is
// that one, and how many members have one.
func (l Look) webhookKey() (right string, all int) {
	counts := map[string]int{}
	for i := range l {
		if w := l[i].Report.Webhooks; l[i].Err == nil && w != nil {
			counts[w.Key]++
			all++
		}
	}
	most := 0
	for key, n := range counts {
		switch {
		case n > most:
			right, most = key, n
		case n == most:
			right = ""
		}
	}
	return right, all
}
