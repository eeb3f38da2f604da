package audit

import "time"

// ByItself is the event of a Deed.
const ByItself = "by_itself"

// Deed is the line about an action that a member takes by itself, without an admin's
// request. It is written once, before the action takes effect. The fields between Node
// and Member are those of lines about requests; they are empty here, so that all lines
// have the same fields.
type Deed struct {
	Time      time.Time `json:"time"`
	Event     string    `json:"event"`  // ByItself
	Action    string    `json:"action"` // what was done, as remove_dead
	Node      string    `json:"node"`   // the member that did it
	Client    string    `json:"client"`
	Address   string    `json:"address"`
	RequestID string    `json:"request_id"`
	Method    string    `json:"method"`
	Route     string    `json:"route"`
	Member    string    `json:"member,omitempty"`  // the member to which it was done
	Reason    string    `json:"request,omitempty"` // why, in a sentence
}
