package cluster

import (
	"fmt"
	"time"
)

// Backups are the backups that a member keeps of itself.
type Backups interface {
	// Fares tells when the last good one was made (zero: never), whether the last try
	// failed, and whether one is late.
	Fares(now time.Time) (last time.Time, failed, late bool)
}

// ownBackups is what a member says of them. It judges by its own clock, which no other
// member's has to agree with.
type ownBackups struct {
	Last   time.Time `json:"last,omitzero"`
	Failed bool      `json:"failed,omitempty"`
	Late   bool      `json:"late,omitempty"`
}

// backups is what this member says; nil: it keeps none.
func (n *Node) backups() *ownBackups {
	if n.opts.Backups == nil {
		return nil
	}
	var b ownBackups
	b.Last, b.Failed, b.Late = n.opts.Backups.Fares(time.Now())
	return &b
}

// wrong says in words what an operator should know, empty where all is well.
func (b *ownBackups) wrong(id string) string {
	if b == nil || !b.Failed && !b.Late {
		return ""
	}
	what := "makes no backup any more, though one is due"
	if b.Failed {
		what = "could not make its last scheduled backup, and tries again"
	}
	last := "It has made none yet"
	if !b.Last.IsZero() {
		last = "The last good one is of " + b.Last.UTC().Format(time.DateTime+"Z")
	}
	return fmt.Sprintf("%s %s. %s. Its log says why; make one by hand meanwhile (voted backup FILE).", id, what, last)
}
