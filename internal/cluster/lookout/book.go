package lookout

import (
	"maps"
	"slices"
	"sync"

	"voted/internal/survey"
)

// book has the addresses at which this member looks for the others. The membership in the
// log names one for each. A member that came back at another address is found too, and
// the leader then corrects the membership (members/move.go). Which member answers at an
// address is proved by the greeting of a connection, never by this book.
//
// For each member, the first of these addresses that is known counts: where it was met
// when it no longer answered at its address, the command line of this start, the
// membership. The first two hold until the membership names a new address for that
// member. Even then they are tried if no member answers there: a change of the membership
// that was not committed may be undone when another member becomes the leader, and
// without the old addresses no member could be found.
type book struct {
	mu         sync.Mutex
	met        map[string]string   // guarded by mu; by id
	configured map[string]string   // guarded by mu; by id, as the command line says
	members    map[string]string   // guarded by mu; by id, as the membership says
	past       map[string][]string // guarded by mu; by id, what counted before, newest first
}

// maxPast is how many addresses that no longer count are tried for a member. Each costs a
// call while that member is away.
const maxPast = 4

func newBook(configured []survey.Peer) *book {
	b := &book{met: map[string]string{}, configured: map[string]string{}, members: map[string]string{}, past: map[string][]string{}}
	for _, s := range configured {
		b.configured[s.ID] = s.Addr
	}
	return b
}

// update takes over the newest membership that raft knows. The first one after a start
// may be older than the command line, later ones are newer. The caller must not pass old
// memberships that come again while the log is replayed.
func (b *book) update(members []survey.Peer) {
	b.mu.Lock()
	defer b.mu.Unlock()
	was := b.members
	b.members = make(map[string]string, len(members))
	for _, s := range members {
		b.members[s.ID] = s.Addr
		if old, known := was[s.ID]; known && old != s.Addr || !known && len(was) > 0 {
			b.keepPast(s.ID, old, b.configured[s.ID], b.met[s.ID])
			delete(b.met, s.ID)
			delete(b.configured, s.ID)
		}
	}
}

// keepPast keeps the addresses that counted for a member until now. The caller holds mu.
func (b *book) keepPast(id string, addresses ...string) {
	past := b.past[id]
	for _, addr := range addresses {
		if addr != "" {
			past = append([]string{addr}, slices.DeleteFunc(past, func(old string) bool { return old == addr })...)
		}
	}
	b.past[id] = past[:min(len(past), maxPast)]
}

// find returns where to look for a member, "" if nothing is known of it.
func (b *book) find(id string) string {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, known := range []map[string]string{b.met, b.configured, b.members} {
		if addr := known[id]; addr != "" {
			return addr
		}
	}
	return ""
}

// others returns the further addresses at which a member may be; find returns the first.
func (b *book) others(id string) []string {
	first := b.find(id)
	b.mu.Lock()
	defer b.mu.Unlock()
	var rest []string
	for _, addr := range append([]string{b.met[id], b.configured[id], b.members[id]}, b.past[id]...) {
		if addr != "" && addr != first && !slices.Contains(rest, addr) {
			rest = append(rest, addr)
		}
	}
	return rest
}

// meet notes where a member has just answered.
func (b *book) meet(id, addr string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if _, member := b.members[id]; member {
		b.met[id] = addr
	}
}

// at returns the member that find would look for at an address, "" if there is none.
func (b *book) at(addr string) string {
	b.mu.Lock()
	ids := slices.AppendSeq(slices.Sorted(maps.Keys(b.members)), maps.Keys(b.configured))
	b.mu.Unlock()
	for _, id := range ids {
		if b.find(id) == addr {
			return id
		}
	}
	return ""
}
