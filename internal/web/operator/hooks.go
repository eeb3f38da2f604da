package operator

import (
	"net/http"
	"net/url"
	"time"

	"voted/internal/web/frame"
)

// hook is one webhook of the table, as the API says.
type hook struct {
	ID           string    `json:"id"`
	URL          string    `json:"url"`
	State        string    `json:"state"`
	Reason       string    `json:"reason"`
	LagEvents    int       `json:"lag_events"`
	LagSeconds   int64     `json:"lag_seconds"`
	FailingSince time.Time `json:"failing_since"`
	Dead         int       `json:"dead_letters"`
}

// Waits reports whether the webhook is stopped, so that it can go on.
func (h hook) Waits() bool { return h.State == "paused" || h.State == "disabled" }

// Bad reports whether somebody should look at it.
func (h hook) Bad() bool { return h.State == "disabled" || !h.FailingSince.IsZero() || h.Dead > 0 }

// hooks are the webhooks, for those who may see them; for others there are none.
func (room *Room) hooks(r *http.Request) []hook {
	var list struct {
		Webhooks []hook `json:"webhooks"`
	}
	answer, err := room.Ask(r, frame.Call{Path: "/v1/webhooks"})
	if err != nil || answer.Into(&list) != nil {
		return nil
	}
	return list.Webhooks
}

// pausing is the call that pauses a webhook, or lets it go on.
func pausing(paused string) func(r *http.Request) frame.Call {
	return func(r *http.Request) frame.Call {
		return frame.Call{
			Method: http.MethodPatch, Path: "/v1/webhooks/" + url.PathEscape(ofPath(r)), Body: []byte(`{"paused":` + paused + `}`),
		}
	}
}
