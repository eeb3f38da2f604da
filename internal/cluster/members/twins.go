package members

import (
	"maps"
	"sync"
	"time"
)

// twinFor is how long two processes under one id are reported after the second one last
// asked to be accepted as the member, which it does a few times a second.
const twinFor = 10 * time.Second

// twins are the members of which this one has seen a second process, such as one on a
// copy of a member's directory.
type twins struct {
	mu   sync.Mutex
	seen map[string]twin // by member; guarded by mu
}

type twin struct {
	addr string // of the second process
	last time.Time
}

// note records that a second process runs under an id, at an address.
func (t *twins) note(id, addr string, now time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.seen == nil {
		t.seen = map[string]twin{}
	}
	t.seen[id] = twin{addr, now}
}

// all returns the addresses of the second processes that were seen recently, by member.
func (t *twins) all(now time.Time) map[string]string {
	t.mu.Lock()
	defer t.mu.Unlock()
	maps.DeleteFunc(t.seen, func(_ string, w twin) bool { return now.Sub(w.last) > twinFor })
	if len(t.seen) == 0 {
		return nil
	}
	all := map[string]string{}
	for id, w := range t.seen {
		all[id] = w.addr
	}
	return all
}
